"""What mini-program codes of training stand for."""

from wxapi.scenes.rules import SceneKind

TRAINING_SESSION = SceneKind("training_session", "培训场次")
