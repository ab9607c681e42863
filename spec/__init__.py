"""What a config may say: one typed, frozen model a section. Plain Python; imports none of the other packages."""
