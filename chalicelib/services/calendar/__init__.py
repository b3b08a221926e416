"""Everything of a patient's that has a date: the calendar, what comes next, and what is to be done."""
