"""The smallest honest view that keeps a file: who holds the token, the bytes on the disk, one row.

The file and the folder that names it are flushed, as ours are; connections come from a pool, as many as threads. `app`
is served bare, `front` as the product is.
"""

import hashlib
import os
import queue
import uuid
from pathlib import Path

import psycopg
from flask import Flask, Response, jsonify, request

from benchmarks._front import front_of

app = Flask(__name__)
front = front_of(app)
_folder = Path(os.environ["PLAIN_FOLDER"], "plain_files")
_folder.mkdir(exist_ok=True)
_pool: queue.SimpleQueue[psycopg.Connection] = queue.SimpleQueue()
for _ in range(int(os.environ["PLAIN_POOL"])):
    _pool.put(psycopg.connect(os.environ["PLAIN_DATABASE_URL"]))


@app.post("/photos")
def keep() -> tuple[Response, int]:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    data = request.files["file"].read()
    photo_id = uuid.uuid4()
    connection = _pool.get()
    try:
        with connection.transaction():
            digest = hashlib.sha256(token.encode()).digest()
            found = connection.execute("SELECT user_id FROM tokens WHERE digest = %s", (digest,)).fetchone()
            if found is None:
                return jsonify(code="token_invalid"), 401
            _write(_folder / str(photo_id), data)
            connection.execute(
                "INSERT INTO plain_photos (id, owner_id, sha256, bytes, created_at) VALUES (%s, %s, %s, %s, now())",
                (photo_id, found[0], hashlib.sha256(data).hexdigest(), len(data)),
            )
    finally:
        _pool.put(connection)
    return jsonify(id=str(photo_id), state="pending"), 201


def _write(place: Path, data: bytes) -> None:
    with place.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
