# One image per service: docker build --target gateway|planner|executor|observe|record .
# What the steps do stands in dev/repo/image.sh, which the tests run without a container engine.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS wheels
ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.lock requirements-dev.lock ./
COPY dev/repo/image.sh dev/repo/
RUN sh dev/repo/image.sh fetch /wheels
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
COPY cli cli
COPY dev dev
RUN sh dev/repo/image.sh build /wheels

FROM wheels AS install-gateway
RUN sh dev/repo/image.sh install /wheels gateway /opt/kubemin

FROM wheels AS install-planner
RUN sh dev/repo/image.sh install /wheels planner /opt/kubemin

FROM wheels AS install-executor
RUN sh dev/repo/image.sh install /wheels executor /opt/kubemin

FROM wheels AS install-watcher
RUN sh dev/repo/image.sh install /wheels watcher /opt/kubemin

# Without pip, shell accounts or anything that writes: the root file system may be read-only.
FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 65532 kubemin \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin kubemin \
    && python -m pip uninstall --yes --quiet --root-user-action ignore pip
ENV PATH=/opt/kubemin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    KUBEMIN_HTTP_HOST=0.0.0.0
WORKDIR /
USER 65532:65532
EXPOSE 8080
# Before it listens a service waits for NATS, up to a minute, and one of the centre for MongoDB.
HEALTHCHECK --interval=10s --timeout=4s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]
ARG VERSION=0.1.0
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM runtime AS gateway
LABEL org.opencontainers.image.title="kubemin-gateway" \
      org.opencontainers.image.description="Takes applications over HTTP; also holds kubemin-admin."
COPY --from=install-gateway /opt/kubemin /opt/kubemin
ENTRYPOINT ["python", "-m", "services.gateway"]

FROM runtime AS planner
LABEL org.opencontainers.image.title="kubemin-planner" \
      org.opencontainers.image.description="Decides what every run does next."
COPY --from=install-planner /opt/kubemin /opt/kubemin
ENTRYPOINT ["python", "-m", "services.planner"]

FROM runtime AS executor
LABEL org.opencontainers.image.title="kubemin-executor" \
      org.opencontainers.image.description="Applies steps to its cluster as the tenant."
COPY --from=install-executor /opt/kubemin /opt/kubemin
ENTRYPOINT ["python", "-m", "services.executor"]

FROM runtime AS observe
LABEL org.opencontainers.image.title="kubemin-observe" \
      org.opencontainers.image.description="States what happens in its cluster."
COPY --from=install-watcher /opt/kubemin /opt/kubemin
ENTRYPOINT ["python", "-m", "services.watcher", "observe"]

FROM runtime AS record
LABEL org.opencontainers.image.title="kubemin-record" \
      org.opencontainers.image.description="Archives facts and projects them into statuses."
COPY --from=install-watcher /opt/kubemin /opt/kubemin
ENTRYPOINT ["python", "-m", "services.watcher", "record"]
