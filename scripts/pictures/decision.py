"""The picture that helps to choose a tool."""

from pictures.sheet import Sheet

QUESTIONS = [
    ("Your view waits for jobs in production?", "JobGroup", "waits, and never hangs"),
    ("The test decides how each job ends?", "FakeScheduler", "you decide what happens"),
    ("The app runs as it is, in milliseconds?", "Simulation: sim", "real app, virtual time"),
    ("It must hold in every order of threads?", "explore", "every order, or a failure"),
]


def draw() -> str:
    """Return the picture."""
    sheet = Sheet("Which tool?", 360)
    for row, (question, tool, what) in enumerate(QUESTIONS):
        y = sheet.y + 92 * row
        sheet.box(16, y, 328, 30)
        sheet.text(28, y + 20, question)
        sheet.arrow(120, y + 30, 120, y + 52, "good")
        sheet.text(128, y + 46, "yes", "small good")
        sheet.text(132, y + 68, tool, "strong job")
        sheet.text(132, y + 83, what, "small quiet")
        sheet.box(108, y + 53, 8, 32, "job")
        if row + 1 < len(QUESTIONS):
            sheet.arrow(40, y + 30, 40, y + 91, "plain")
            sheet.text(48, y + 46, "no", "small quiet")
    return sheet.svg(sheet.y + 92 * len(QUESTIONS) + 4)
