"""Files for continuous integration, written for one pipeline of a project."""
