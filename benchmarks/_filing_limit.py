"""The smallest honest view that files a report: who holds the token, one row, committed.

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


@app.post("/reports")
def file_report() -> tuple[Response, int]:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    body = request.get_json()
    report_id = uuid.uuid4()
    place = body["location"]
    connection = _pool.get()
    try:
        with connection.transaction():
            digest = hashlib.sha256(token.encode()).digest()
            found = connection.execute("SELECT user_id FROM tokens WHERE digest = %s", (digest,)).fetchone()
            if found is None:
                return jsonify(code="token_invalid"), 401
            text = (body["category_code"], body["description"])
            connection.execute(
                "INSERT INTO plain_reports (id, user_id, category_code, description, longitude, latitude, created_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, now())",
                (report_id, found[0], *text, place["longitude"], place["latitude"]),
            )
    finally:
        _pool.put(connection)
    return jsonify(id=str(report_id), state="submitted"), 201
