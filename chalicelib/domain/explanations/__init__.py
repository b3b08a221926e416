"""What a record means, in plain words: each sentence the record's own, the vocabulary's, or the portal's, and cited.

`explain.explain` is the way in. Nothing here diagnoses, says anything on a dose, or obeys what stands in a record.
"""
