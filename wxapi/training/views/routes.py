"""The blueprint that the views of training register on."""

from wxapi.platform.openapi import ApiBlueprint

blueprint = ApiBlueprint("training", __name__, description="培训：场次、报名、签到、考勤、学时")
ROOT = "/training/sessions"
ONE = f"{ROOT}/<uuid:session_id>"
