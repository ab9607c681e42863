"""What each task learns and answers: labels, losses, outputs."""
