"""Certificates."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.training.services import certify
from wxapi.training.views.routes import DRAWN, blueprint
from wxapi.training.wire import answers, json, requests
from wxapi.training.wire.documents import certificate


@blueprint.route("/me/training/certificates", methods=["POST"])
@guard(Permission.SIGNED_IN)
@blueprint.arguments(requests.CertificateBody, example={"year": 2026})
@blueprint.response(201, answers.CertificateWire)
@blueprint.alt_response(200, schema=answers.CertificateWire, description="已出具过：同一份证明，不再新建。")
def issue_certificate(body: dict[str, Any]) -> Response:
    """出具学时证明

    一场或一年的证明；再次请求得到同一份，答复 200。
    """
    view = certify.issue(current_actor(), **body, now=runtime().clock.now())
    return json_response(json.certificate_dict(view), 201 if view.created else 200)


@blueprint.route("/me/training/certificates/<uuid:certificate_id>.pdf")
@guard(Permission.SIGNED_IN)
@limited(DRAWN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def certificate_pdf(certificate_id: uuid.UUID) -> Response:
    """学时证明文件

    本人的证明（PDF）。
    """
    body = certificate.render(certificate.content_of(certify.own(current_actor(), certificate_id)))
    headers = {"Content-Disposition": 'inline; filename="certificate.pdf"'}
    return Response(body, content_type="application/pdf", headers=headers)


@blueprint.route("/training/certificates/<string(maxlength=40):check_code>")
@guard(Permission.PUBLIC)
@limited("60/minute")
@blueprint.response(200, answers.VerifiedWire)
def verify_certificate(check_code: str) -> Response:
    """查验学时证明

    任何人凭查验码得知姓名、标题、日期和学时；失效的证明查不到。
    """
    return json_response(json.verified_dict(certify.verify(check_code)))
