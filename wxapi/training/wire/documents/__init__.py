"""Files that people take away or hang out: QR pictures, calendar, spreadsheet, certificate. No database, no web."""
