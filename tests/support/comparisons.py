"""What executors answer to a gateway that compares."""

from shared.contracts.differences import Change, CompareSteps, ObjectDifference, StepsCompared


def all_created(request: CompareSteps) -> StepsCompared:
    """Of an empty cluster."""
    created = [
        ObjectDifference(step=step.step, key=obj.key, change=Change.CREATED)
        for step in request.steps
        for obj in step.objects
    ]
    return StepsCompared(cluster=request.cluster, objects=tuple(created))
