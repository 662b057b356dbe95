"""Files that leave the house: QR pictures, calendar, spreadsheet, certificate. No database, no web."""
