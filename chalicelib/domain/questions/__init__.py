"""What somebody asks about a record: which words it has, what they want to know, and what no portal may answer.

Nothing that is asked is ever carried out: a question only chooses among the answers that there are, and every sentence
of an answer names where it comes from.
"""
