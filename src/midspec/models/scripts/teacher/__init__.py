"""A teacher that writes plain English about whatever words the prompt holds."""
