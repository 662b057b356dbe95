"""The statements of the sign-in's path that are clearer, and faster, as SQL for the driver.

They go to the driver as they are, see `platform.db.fetch`.
"""

# The states it overrides are `rules.attendance.SIGN_IN_OVERRIDES`; a test holds the two together.
# Parameters are cast where PostgreSQL could not tell their type from the place they stand in.
_OVERRIDDEN = "('absent', 'enrolled', 'exempt', 'on_leave')"
_INTO = """
INSERT INTO training_attendance AS mine (
  session_id, user_id, id, state, walk_in, signed_in_at, received_at, step, via, late_upload,
  distance_m, accuracy_m, device_digest, flags)
SELECT %(session_id)s, %(user_id)s, %(id)s, %(state)s, true, %(signed_in_at)s, %(received_at)s, %(step)s,
  %(via)s, %(late_upload)s, %(distance_m)s, %(accuracy_m)s, %(device_digest)s,"""
_HERE = """
FROM training_sessions AS here
WHERE here.id = %(session_id)s AND here.version = %(version)s
  AND (%(admitted)s OR EXISTS (
    SELECT 1 FROM training_attendance WHERE session_id = %(session_id)s AND user_id = %(user_id)s))"""
_SAME_DEVICE = """EXISTS (
  SELECT 1 FROM training_attendance
  WHERE session_id = %(session_id)s AND device_digest = CAST(%(device_digest)s AS bytea) AND user_id <> %(user_id)s)"""
_TWO_HALLS = """EXISTS (
  SELECT 1 FROM training_attendance a JOIN training_sessions s ON s.id = a.session_id
  WHERE a.user_id = %(user_id)s AND a.session_id <> %(session_id)s
    AND a.signed_in_at BETWEEN CAST(%(signed_in_at)s AS timestamptz) - interval '1 hour'
                           AND CAST(%(signed_in_at)s AS timestamptz) + interval '1 hour'
    AND s.state = 'published' AND s.starts_at < here.ends_at AND s.ends_at > here.starts_at)"""
_FILL = f"""
ON CONFLICT (session_id, user_id) DO UPDATE SET
  -- What the organiser decided by hand stays; the sign-in is kept beside it.
  state = CASE WHEN mine.state IN {_OVERRIDDEN} THEN excluded.state ELSE mine.state END,
  -- The answer names the record before it is written: a row that enrolling made takes that name.
  id = excluded.id, signed_in_at = excluded.signed_in_at, received_at = excluded.received_at, step = excluded.step,
  via = excluded.via, late_upload = excluded.late_upload, distance_m = excluded.distance_m,
  accuracy_m = excluded.accuracy_m, device_digest = excluded.device_digest, flags = excluded.flags
WHERE mine.signed_in_at IS NULL"""
# Only what turns out as it was decided; somebody odd, or on the roll in a state of their own, gives no row. As two
# conditions in one they are looked at, each once; apart they become joins, which take longer to begin than to answer.
USUAL = f"""{_INTO} CAST(%(flags)s AS text[])
{_HERE} AND NOT ({_SAME_DEVICE} OR {_TWO_HALLS})
{_FILL} AND mine.state IN {_OVERRIDDEN} AND mine.signed_out_at IS NULL
RETURNING flags
"""
_ANY = f"""{_INTO}
  array_remove(ARRAY[
    CASE WHEN {_SAME_DEVICE} THEN 'same_device' END, CASE WHEN {_TWO_HALLS} THEN 'two_halls' END
  ], NULL) || CAST(%(flags)s AS text[])
{_HERE}
{_FILL}
RETURNING id, state, signed_in_at, late_upload, flags, signed_out_at
"""
# Beside it in one statement, where its rows are called `made`.
FLAGGED = """
INSERT INTO training_flags (id, session_id, user_id, reason, subject, detail, created_at)
SELECT gen_random_uuid(), %(session_id)s, %(user_id)s, reason, CAST(%(user_id)s AS text),
  jsonb_strip_nulls(jsonb_build_object('distance_m', CAST(%(distance_m)s AS integer))), %(received_at)s
FROM made, unnest(made.flags) AS reason
ON CONFLICT (session_id, reason, subject) DO NOTHING
RETURNING 1
"""
SIGN_IN = f"WITH made AS ({_ANY}), flagged AS ({FLAGGED}) SELECT * FROM made"  # noqa: S608 - of the two above

# A flood of refusals of one person is answered, but not stored without end.
REFUSE = """
INSERT INTO training_refusals (session_id, user_id, at, code, tried, typed)
SELECT %(session_id)s, %(user_id)s, %(at)s, %(code)s, %(tried)s, %(typed)s
WHERE 50 > (
  SELECT count(*) FROM training_refusals
  WHERE session_id = %(session_id)s AND user_id = %(user_id)s
    AND at > CAST(%(at)s AS timestamptz) - interval '10 minutes')
"""
