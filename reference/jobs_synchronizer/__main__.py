"""``python -m jobs_synchronizer`` starts the corrected program."""

from jobs_synchronizer.corrected import main

if __name__ == "__main__":
    main()
