"""`python -m cli`: the same as `kubemin`."""

from cli.app import main

if __name__ == "__main__":
    main()
