"""The twin: five operations on contacts as an experienced engineer would write them by hand."""
