"""The smallest honest view that signs somebody in: who holds the token, one row, committed.

Connections come from a pool, as many as the server has threads. `app` is served bare, `front` as the product is.
"""

import hashlib
import os
import queue
import uuid

import psycopg
from flask import Flask, Response, jsonify, request

from benchmarks._front import front_of

app = Flask(__name__)
front = front_of(app)
_pool: queue.SimpleQueue[psycopg.Connection] = queue.SimpleQueue()
for _ in range(int(os.environ["PLAIN_POOL"])):
    _pool.put(psycopg.connect(os.environ["PLAIN_DATABASE_URL"]))


@app.post("/sessions/<uuid:session_id>/sign-ins")
def sign_in(session_id: uuid.UUID) -> tuple[Response, int]:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    body = request.get_json()
    connection = _pool.get()
    try:
        with connection.transaction():
            digest = hashlib.sha256(token.encode()).digest()
            found = connection.execute("SELECT user_id FROM tokens WHERE digest = %s", (digest,)).fetchone()
            if found is None:
                return jsonify(code="token_invalid"), 401
            row = connection.execute(
                "INSERT INTO plain_sign_ins (id, session_id, user_id, code, signed_in_at)"
                " VALUES (%s, %s, %s, %s, now()) ON CONFLICT (session_id, user_id) DO NOTHING"
                " RETURNING id, signed_in_at",
                (uuid.uuid4(), session_id, found[0], body["code"]),
            ).fetchone()
    finally:
        _pool.put(connection)
    if row is None:
        return jsonify(state="present"), 200
    return jsonify(id=str(row[0]), state="present", signed_in_at=row[1].isoformat()), 201
