"""Mini-program codes: drawn by WeChat once, kept in the object store, and read back when somebody scans one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import Env
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.codes import QR_PATH
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.scenes.models import Scene
from wxapi.scenes.rules import REGION, SceneKind, new_scene

_KEY = "wxapi.scenes"
_WIDTH = 1280
# On a screen, before somebody who waits: the phone stands close by, and there is another code.
_SCREEN_WIDTH, _SCREEN_WAIT_S = 430, 2.0
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class SceneCode:
    """A code to be printed: the signed address of its picture, and the scene it carries."""

    url: str
    scene: str


@dataclass(frozen=True, slots=True)
class PassingKind:
    """A kind whose scenes are ids of things that live for minutes: they stand in no table here.

    Attributes:
        kind: what they are.
        is_there: whether such a thing has this id; one that is over is there still.
    """

    kind: SceneKind
    is_there: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Kinds:
    lasting: Mapping[str, SceneKind]
    passing: Sequence[PassingKind] = field(default=())


def install(app: Flask, kinds: Sequence[SceneKind], passing: Sequence[PassingKind] = ()) -> None:
    """Tell the app what codes are made for."""
    app.extensions[_KEY] = _Kinds({kind.code: kind for kind in kinds}, passing)


def code_of_region(actor: Actor, region_code: str, *, now: datetime) -> SceneCode:
    """The code of a region in the person's own.

    Raises:
        NotFoundError: unknown, or outside the person's regions.
        UnavailableError: WeChat does not draw it now.
    """
    if tree().get(region_code) is None or not actor.covers(region_code, ROLES_OF[Permission.SCENE_CODES]):
        raise not_found()
    refuse_closed(region_code)
    return code_of(REGION, region_code, now=now)


def code_of(kind: SceneKind, subject: str, *, now: datetime) -> SceneCode:
    """The code of a thing whose scope is settled; drawn at the first call. Call it outside a transaction.

    Raises:
        UnavailableError: WeChat does not draw it now.
    """
    with transaction() as session:
        row = _row(session, kind, subject, now=now)
        scene, key = row.scene, row.picture_key
    if key is None:
        # Two at once draw the same scene twice and store the same picture.
        key = _draw(scene)
        with transaction() as session:
            session.get_one(Scene, scene).picture_key = key
    return SceneCode(runtime().storage.signed_url(key), scene)


def resolve(scene: str) -> tuple[SceneKind, str]:
    """What a scanned scene stands for.

    Raises:
        NotFoundError: no code of ours.
    """
    row, kinds = db.session.get(Scene, scene), cast("_Kinds", current_app.extensions[_KEY])
    if row is None:
        passing = next((each.kind for each in kinds.passing if each.is_there(scene)), None)
        if passing is None:
            raise not_found()
        return passing, scene
    kind = kinds.lasting.get(row.kind)
    if kind is None:
        raise not_found()
    return kind, row.subject


def passing_picture(scene: str) -> bytes:
    """The code of something that lives for minutes, small and at once; it is kept nowhere.

    Raises:
        UnavailableError: WeChat does not draw it now, or takes long.
    """
    return runtime().wechat.call_for_picture(QR_PATH, _wanted(scene, _SCREEN_WIDTH), read_s=_SCREEN_WAIT_S)


def _row(session: Session, kind: SceneKind, subject: str, *, now: datetime) -> Scene:
    session.execute(
        insert(Scene)
        .values(scene=new_scene(), kind=kind.code, subject=subject, created_at=now)
        .on_conflict_do_nothing(index_elements=["kind", "subject"])
    )
    return session.scalars(select(Scene).where(Scene.kind == kind.code, Scene.subject == subject)).one()


def _draw(scene: str) -> str:
    """Have WeChat draw a scene, store the picture, and return its key.

    Without a page the code opens the mini program's first one, which resolves the scene: pages may be renamed,
    printed codes cannot.
    """
    picture = runtime().wechat.call_for_picture(QR_PATH, _wanted(scene, _WIDTH))
    key = key_of(scene, picture)
    runtime().storage.put(key, picture)
    return key


def _wanted(scene: str, width: int) -> dict[str, object]:
    release = "release" if runtime().config.env is Env.PRODUCTION else "trial"
    return {"scene": scene, "check_path": False, "env_version": release, "width": width}


def key_of(scene: str, picture: bytes) -> str:
    """Where the picture of a scene lies in the store."""
    return f"scenes/{scene}.{'jpg' if is_jpeg(picture) else 'png'}"


def is_jpeg(picture: bytes) -> bool:
    """Whether a code came from WeChat as JPEG; else it is PNG."""
    return picture.startswith(_JPEG)
