"""The blueprint that the views of training register on."""

from wxapi.platform.openapi import ApiBlueprint

blueprint = ApiBlueprint("training", __name__, description="培训：场次、报名、签到、考勤、学时")
ROOT = "/training/sessions"
ONE = f"{ROOT}/<uuid:session_id>"
# How often one person may have a picture or a paper drawn, which takes 60 to 200 ms of a processor each.
DRAWN = "30/minute"
