"""Which terms of the vocabulary speak of something: found by code, by a record's view, or by what people type."""
