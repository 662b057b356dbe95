"""Certificates."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limiter
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.training.services import certify
from wxapi.training.views.routes import blueprint
from wxapi.training.wire import answers, json, requests
from wxapi.training.wire.documents import certificate


@blueprint.route("/me/training/certificates", methods=["POST"])
@guard(Permission.SIGNED_IN)
@blueprint.arguments(requests.CertificateBody, example={"year": 2026})
@blueprint.response(201, answers.CertificateWire)
def issue_certificate(body: dict[str, Any]) -> Response:
    """A certificate of one session or one year; again: 200 and the same."""
    view = certify.issue(current_actor(), **body, now=runtime().clock.now())
    return json_response(json.certificate_dict(view), 201 if view.created else 200)


@blueprint.route("/me/training/certificates/<uuid:certificate_id>.pdf")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def certificate_pdf(certificate_id: uuid.UUID) -> Response:
    """My certificate as a file."""
    body = certificate.render(certificate.content_of(certify.own(current_actor(), certificate_id)))
    headers = {"Content-Disposition": 'inline; filename="certificate.pdf"'}
    return Response(body, content_type="application/pdf", headers=headers)


@blueprint.route("/training/certificates/<string(maxlength=40):check_code>")
@guard(Permission.PUBLIC)
@limiter.limit("60/minute")
@blueprint.response(200, answers.VerifiedWire)
def verify_certificate(check_code: str) -> Response:
    """What anyone may learn by a check code: name, title, date, hours. One that no longer holds is not there."""
    return json_response(json.verified_dict(certify.verify(check_code)))
