"""What people see: the page, the figures and the reports, drawn from plain results."""
