"""The blueprint that the views of identity register on."""

from wxapi.platform.openapi import ApiBlueprint

blueprint = ApiBlueprint("identity", __name__, description="登录、本人信息、任职")
