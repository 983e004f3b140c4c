"""The picture that helps to choose a tool."""

from pictures.sheet import Sheet

QUESTIONS = [
    ("Does your view wait for jobs in production?", "JobGroup", "waits, and never hangs"),
    ("Should the test decide how a job ends?", "FakeScheduler", "you decide what happens"),
    ("Should the real app run, in virtual time?", "Simulation: sim", "runs the app as it is"),
    ("Must it hold in every order of threads?", "explore", "tries every order"),
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
