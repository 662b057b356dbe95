"""The statements that file a report, as SQL for the driver: building them in SQLAlchemy costs more than running them.

The report, the first line of its history and its photos' places go with the audit and the outbox as one statement:
after a storm a thousand phones file at once, and each way to the database counts.
"""

# A number that is taken gives no row.
REPORT = """
INSERT INTO reports (
  id, number, category_code, description, longitude, latitude, accuracy, picked_by, address,
  county_code, township_code, village_code, grid_code, candidates, excluded_village_code,
  reporter_id, reporter_label, created_at, updated_at, version, state)
VALUES (
  %(id)s, %(number)s, %(category_code)s, %(description)s, %(longitude)s, %(latitude)s,
  %(accuracy)s, %(picked_by)s, %(address)s, %(county_code)s, %(township_code)s, %(village_code)s, %(grid_code)s,
  CAST(%(candidates)s AS jsonb), %(excluded_village_code)s, %(reporter_id)s, %(reporter_label)s,
  %(created_at)s, %(created_at)s, 1, 'submitted')
ON CONFLICT (number) DO NOTHING
RETURNING 1
"""
LINE = """
INSERT INTO report_events (report_id, at, action, to_state, actor_id, role, detail)
VALUES (%(id)s, %(created_at)s, 'file', 'submitted', %(reporter_id)s, 'reporter', '{}')
RETURNING 1
"""
PICTURES = """
INSERT INTO report_photos (photo_id, report_id, purpose, position)
SELECT photo_id, %(id)s, 'report', place - 1
FROM unnest(CAST(%(photo_ids)s AS uuid[])) WITH ORDINALITY AS photo (photo_id, place)
RETURNING 1
"""
