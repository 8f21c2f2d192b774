"""What a list asks for, independent of who asks and of where the records lie."""
