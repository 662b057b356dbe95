"""The smallest honest view of a desk's queue: the very statement of ours, and JSON of the same answer.

It asks nobody for a token and narrows nothing: statement, values and answer stand in a file of the benchmark's.
Connections come from a pool, as many as the server has threads. `app` is served bare, `front` as the product is.
"""

import json
import os
import pickle
import queue
from pathlib import Path

import psycopg
from flask import Flask, Response

from benchmarks._front import front_of

app = Flask(__name__)
front = front_of(app)
_sql, _values, _answer = pickle.loads(Path(os.environ["PLAIN_STATEMENT"]).read_bytes())
_pool: queue.SimpleQueue[psycopg.Connection] = queue.SimpleQueue()
for _ in range(int(os.environ["PLAIN_POOL"])):
    _pool.put(psycopg.connect(os.environ["PLAIN_DATABASE_URL"], autocommit=True))


@app.get("/reports")
def reports() -> Response:
    connection = _pool.get()
    try:
        connection.execute(_sql, _values).fetchall()
    finally:
        _pool.put(connection)
    return Response(json.dumps(_answer, ensure_ascii=False), content_type="application/json")
