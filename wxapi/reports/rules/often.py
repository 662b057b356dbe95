"""How often one person may do what fills desks, by API and pages together: more than a storm makes honest people do."""

FILING = "30/minute;300/day"
JOINING = "30/minute"
ACTING = "120/minute"
# Each of these acts on many.
ACTING_ON_MANY = "30/minute"

# What routes of the API and pages that do the same count together as.
FILE, JOIN, ACT = "reports.file", "reports.join", "reports.act"
