"""The API's table of contents: every feature's routes, and what stands around each of them."""

from collections.abc import Callable, Mapping

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config
from wxapi.duties import views as duties
from wxapi.duties.rules import messages as duty_messages
from wxapi.duties.rules.clock import APPEAL_NAMES, CLOCK_NAMES
from wxapi.duties.services import appeal as appeals
from wxapi.duties.services import hold as duty_holdings
from wxapi.duties.services import region_moves as duty_moves
from wxapi.duties.services import retention as duties_retention
from wxapi.duties.services import work as duty_work
from wxapi.identity import cli as identity_cli
from wxapi.identity import views as identity
from wxapi.identity.rules import DEVICE_NAMES, IMPORT_COLOURS, IMPORT_WORDS, KIND_NAMES
from wxapi.identity.services import personal_data, web_logins
from wxapi.identity.services import region_moves as identity_moves
from wxapi.identity.services import retention as identity_retention
from wxapi.identity.services import unit_moves as officer_moves
from wxapi.identity.services.login import authenticate
from wxapi.identity.services.rights import confirm
from wxapi.identity.views import people
from wxapi.kernel.clock import Clock
from wxapi.kernel.permissions import ROLE_NAMES
from wxapi.kernel.words import Words, words
from wxapi.moderation.rules.checks import CHECK_COLOURS, CHECK_KIND_NAMES, CHECK_WORDS
from wxapi.moderation.services import personal as moderation_personal
from wxapi.moderation.services import retention as moderation_retention
from wxapi.notifications import cli as notifications_cli
from wxapi.notifications import views as notifications
from wxapi.notifications.queries import registered as messages
from wxapi.notifications.rules import browsers as browser_messages
from wxapi.notifications.rules import offices as office_messages
from wxapi.notifications.rules.notices import MessageKind
from wxapi.notifications.services import personal as notifications_personal
from wxapi.notifications.services import retention as notifications_retention
from wxapi.photos import views as photos
from wxapi.photos.queries import visibility as photo_visibility
from wxapi.photos.rules.photos import PHOTO_WORDS
from wxapi.photos.services import personal as photos_personal
from wxapi.photos.services import retention as photos_retention
from wxapi.platform import (
    city_folder,
    conditions,
    db,
    demo_clock,
    doctor,
    guard,
    health,
    heartbeat,
    http,
    idempotency,
    keys,
    keys_cli,
    logs,
    openapi,
    patience,
    problems,
    refusals,
    retention,
    storage,
    vocabulary,
)
from wxapi.platform import cli as platform_cli
from wxapi.platform.cipher import Cipher
from wxapi.platform.flask_app import App
from wxapi.platform.front import Front, Treatment
from wxapi.platform.front_body import UPLOAD_SECONDS
from wxapi.platform.redis_client import connect
from wxapi.platform.routes import Routed, Routes
from wxapi.platform.runtime import Runtime, install
from wxapi.platform.storage import Storage
from wxapi.platform.wechat.client import WeChatClient
from wxapi.regions import cli as regions_cli
from wxapi.regions import views as regions
from wxapi.regions.rules.levels import LEVEL_NAMES
from wxapi.regions.services import checkup as regions_checkup
from wxapi.regions.services import holdings as region_holdings
from wxapi.reports.queries import visibility as report_visibility
from wxapi.reports.queries.reports import photo_is_visible
from wxapi.reports.rules import messages as report_messages
from wxapi.reports.rules.words import CITIZENS_STAGES, OFFICE_STAGES
from wxapi.reports.rules.words import WORDS as REPORT_WORDS
from wxapi.reports.rules.workflow import reasons as report_reasons
from wxapi.reports.services import personal as reports_personal
from wxapi.reports.services import redistrict as report_moves
from wxapi.reports.services import retention as reports_retention
from wxapi.reports.services import work as report_work
from wxapi.reports.views import lists as report_lists
from wxapi.reports.views import moderation, reports
from wxapi.scenes import rules as scene_rules
from wxapi.scenes import services as scene_services
from wxapi.scenes import views as scenes
from wxapi.supervision import cli as supervision_cli
from wxapi.supervision.rules.audit_words import AUDIT_ACTIONS
from wxapi.supervision.rules.export_states import FAILURE_WORDS, KIND_WORDS, STATE_COLOURS, STATE_WORDS
from wxapi.supervision.rules.measures import DEFINITIONS
from wxapi.supervision.services import board
from wxapi.supervision.services import personal as supervision_personal
from wxapi.supervision.services import retention as supervision_retention
from wxapi.supervision.views import auditing, exports, panorama, statistics
from wxapi.training import cli as training_cli
from wxapi.training import views as training
from wxapi.training.rules import messages as training_messages
from wxapi.training.rules import scenes as training_scenes
from wxapi.training.rules.owed import STAGE_NAMES as TRAINING_STAGES
from wxapi.training.rules.words import WORDS as TRAINING_WORDS
from wxapi.training.services import personal as training_personal
from wxapi.training.services import region_moves as training_moves
from wxapi.training.services import retention as training_retention
from wxapi.training.services import work as training_work
from wxapi.units import cli as units_cli
from wxapi.units import views as units
from wxapi.units.rules import MATTER_KIND_NAMES, UNIT_FIELD_NAMES, UNIT_KIND_NAMES
from wxapi.units.services import holdings as unit_holdings
from wxapi.units.services import region_moves as unit_moves
from wxapi.web import panorama as panorama_pages
from wxapi.web.desk import views as desk
from wxapi.web.hall import views as hall
from wxapi.web.kit import headers
from wxapi.web.kit import installing as pages
from wxapi.web.kit.access import page_actor
from wxapi.web.login import drawn as login_codes
from wxapi.web.login import views as login
from wxapi.web.phone import views as phone

# Every feature's routes, in the order of the contract.
BLUEPRINTS = (
    identity.blueprint,
    regions.blueprint,
    units.blueprint,
    photos.blueprint,
    scenes.blueprint,
    notifications.blueprint,
    reports.blueprint,
    report_lists.blueprint,
    duties.blueprint,
    panorama.blueprint,
    statistics.blueprint,
    exports.blueprint,
    auditing.blueprint,
    moderation.blueprint,
    training.blueprint,
    vocabulary.blueprint,
)
# Features that hold something of a person, for `GET /me/data` and `DELETE /me`.
PERSONAL_DATA: tuple[personal_data.PersonalData, ...] = (
    photos_personal.personal_data,
    notifications_personal.personal_data,
    moderation_personal.personal_data,
    reports_personal.personal_data,
    training_personal.personal_data,
    supervision_personal.personal_data,
)
# What is forgotten in time, in the order of the floors.
RETENTION: tuple[retention.RetentionCategory, ...] = (
    *retention.RETENTION,
    *identity_retention.RETENTION,
    *photos_retention.RETENTION,
    *notifications_retention.RETENTION,
    *moderation_retention.RETENTION,
    *duties_retention.RETENTION,
    *reports_retention.RETENTION,
    *training_retention.RETENTION,
    *supervision_retention.RETENTION,
)
# Messages: their kinds, and the things they are about.
MESSAGE_KINDS: tuple[MessageKind, ...] = (
    *browser_messages.KINDS,
    *office_messages.KINDS,
    *duty_messages.KINDS,
    *report_messages.KINDS,
    *training_messages.KINDS,
)
MESSAGE_SUBJECTS: tuple[messages.MessageSubject, ...] = (
    messages.MessageSubject("report", sight=report_visibility.may_hear),
    messages.MessageSubject("session"),
    messages.MessageSubject("certificate"),
    messages.MessageSubject("browser"),
    messages.MessageSubject("appointment"),
    messages.MessageSubject("people_import"),
)
# What mini-program codes are made for.
SCENE_KINDS: tuple[scene_rules.SceneKind, ...] = (scene_rules.REGION, training_scenes.TRAINING_SESSION)
PASSING_SCENES: tuple[scene_services.PassingKind, ...] = (
    scene_services.PassingKind(login_codes.WEB_LOGIN, web_logins.is_there),
)
# Where photos are seen by others than their owner.
PHOTO_VISIBILITY: tuple[photo_visibility.PhotoCondition, ...] = (photo_is_visible, appeals.photo_is_visible)
# What lies with a region and goes to its successor when it is closed. Units first: appointments and duties need them;
# people before what they work on; duties last, when reports have taken theirs along.
REGION_HOLDINGS: tuple[region_holdings.RegionHolding, ...] = (
    unit_moves.HOLDING,
    identity_moves.HOLDING,
    training_moves.HOLDING,
    report_moves.HOLDING,
    duty_moves.HOLDING,
)
# What lies with a unit and goes to its successor when it is closed.
UNIT_HOLDINGS: tuple[unit_holdings.UnitHolding, ...] = (duty_holdings.HOLDING, officer_moves.HOLDING)
# What duties are about.
DUTY_SUBJECTS: tuple[duty_work.SubjectKind, ...] = (report_work.KIND, training_work.KIND)
# Routes that take more than a JSON body: endpoint → bytes.
UPLOADS: dict[str, int] = {
    "identity.import_people": people.MAX_UPLOAD,
    "desk.send_list": people.MAX_UPLOAD,
    "photos.upload": photos.MAX_UPLOAD,
    "kit.upload_photo": photos.MAX_UPLOAD,
    # Without scripts the photos come with the form itself.
    "desk.act_on_case": 3 * photos.MAX_UPLOAD,
    "phone.file_new": 3 * photos.MAX_UPLOAD,
    "phone.say": 3 * photos.MAX_UPLOAD,
    "panorama.answer_card": 3 * photos.MAX_UPLOAD,
}
# Rooms of the pages, in the order of the menu.
PAGES = (desk.room, hall.room, panorama_pages.room, phone.room, login.room)
# Words people read, by the features they belong to.
VOCABULARY: tuple[Words, ...] = (
    words("roles", ROLE_NAMES),
    words("person_kinds", KIND_NAMES),
    *REPORT_WORDS,
    *TRAINING_WORDS,
    words("stages", CITIZENS_STAGES | TRAINING_STAGES, offices=OFFICE_STAGES),
    words("duty_subjects", {kind.type: kind.zh for kind in DUTY_SUBJECTS}),
    words("duty_clocks", CLOCK_NAMES),
    words("appeal_decisions", APPEAL_NAMES),
    words("check_states", CHECK_WORDS, CHECK_COLOURS),
    words("check_kinds", CHECK_KIND_NAMES),
    words("photo_states", PHOTO_WORDS),
    words("region_levels", LEVEL_NAMES),
    words("scene_kinds", {kind.code: kind.zh for kind in (*SCENE_KINDS, *(each.kind for each in PASSING_SCENES))}),
    words("device_kinds", DEVICE_NAMES),
    words("unit_kinds", UNIT_KIND_NAMES),
    words("unit_fields", UNIT_FIELD_NAMES),
    words("matter_kinds", MATTER_KIND_NAMES),
    words("measures", {measure.name: measure.zh for measure in DEFINITIONS}),
    words("people_import_states", IMPORT_WORDS, IMPORT_COLOURS),
    words("export_kinds", KIND_WORDS),
    words("export_states", STATE_WORDS, STATE_COLOURS),
    words("export_failures", FAILURE_WORDS),
    words("audit_actions", AUDIT_ACTIONS),
    words("message_kinds", {kind.code: kind.zh for kind in MESSAGE_KINDS}),
)
# Codes that answers bear, by the group that a field of a schema names.
CODES: dict[str, tuple[str, ...]] = {
    **{each.group: tuple(word.code for word in each.items) for each in VOCABULARY},
    "message_subjects": tuple(subject.type for subject in MESSAGE_SUBJECTS),
    "work": tuple(dict.fromkeys(action for kind in DUTY_SUBJECTS for action in kind.actions)),
}
# Why the workflows refuse a step: reason → sentence.
REASONS: tuple[Callable[[], Mapping[str, str]], ...] = (report_reasons,)
# Routes that wait for somebody else's server: endpoint → whose. They have threads of their own, so that one that
# hangs holds up no other.
LANES: dict[str, str] = {
    # Whether the process is alive is told whatever the others wait for.
    "health.healthz": "health",
    "identity.log_in": "wechat",
    "identity.confirm": "wechat",
    "identity.set_phone": "wechat",
    "scenes.read_region_code": "wechat",
    "training.read_mini_program_code": "wechat",
    "photos.upload": "storage",
    "kit.upload_photo": "storage",
    "files.serve": "storage",
    "exports.cancel_export": "storage",
    "panorama.delete_export": "storage",
}
# What the doctor looks at, beside what the platform needs.
DOCTOR_CHECKS: tuple[doctor.DoctorCheck, ...] = (*regions_checkup.CHECKS, *officer_moves.CHECKS)
# What `/readyz` and `/metrics` tell, beside that.
CONDITIONS: tuple[conditions.Condition, ...] = (*heartbeat.CONDITIONS, *regions_checkup.CONDITIONS)
# Operator commands: `flask --app wsgi <group> …`
COMMANDS = (
    *platform_cli.COMMANDS,
    keys_cli.group,
    regions_cli.regions,
    units_cli.units,
    identity_cli.people,
    notifications_cli.messages,
    training_cli.training,
    supervision_cli.statistics,
)


def create_app(config: Config, *, clock: Clock | None = None) -> Flask:
    """Build the API for a configuration.

    The hooks of a request run in the order of installation: id and size, then who is asking, then how often.
    """
    logs.configure(config.log_level)
    rules = city_folder.take(config)
    app = App("wxapi", static_folder=None)
    parts = make_parts(config, clock or demo_clock.clock_of(config))
    install(app, parts)
    headers.install(app, parts)
    db.init_app(app, config)
    problems.install(app)
    http.install(app, upload_limits=UPLOADS)
    refusals.install(app)
    keys.install(app)
    guard.install(app, authenticate, page_actor, confirm)
    vocabulary.install(app, city_folder.vocabulary_of(rules, VOCABULARY, config.city_folder))
    personal_data.install(app, PERSONAL_DATA)
    retention.install(app, RETENTION)
    doctor.install(app, DOCTOR_CHECKS)
    conditions.install(app, CONDITIONS)
    region_holdings.install(app, REGION_HOLDINGS)
    unit_holdings.install(app, UNIT_HOLDINGS)
    duty_work.install(app, DUTY_SUBJECTS)
    messages.install(app, MESSAGE_KINDS, MESSAGE_SUBJECTS)
    scene_services.install(app, SCENE_KINDS, PASSING_SCENES)
    photo_visibility.install(app, PHOTO_VISIBILITY)
    board.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(storage.files_blueprint(parts.storage))
    api = openapi.make_api(app, config)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=openapi.API_PREFIX)
    openapi.serve(app, api, CODES, REASONS)
    pages.install(app, PAGES)
    idempotency.install(app)
    guard.judge_again(app)
    for group in COMMANDS:
        app.cli.add_command(group)
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def make_front(app: Flask) -> Front:
    """What a server runs: the app behind a reader of bodies."""
    routes, common = Routes(app.url_map), Treatment()
    special = {endpoint: Treatment(lane) for endpoint, lane in LANES.items()}
    special |= {
        endpoint: Treatment(LANES.get(endpoint, ""), longest, UPLOAD_SECONDS) for endpoint, longest in UPLOADS.items()
    }

    def treatment(method: str, path: str) -> tuple[Treatment, Routed | None]:
        routed = routes.find(method, path)
        return (special.get(routed[0].endpoint, common) if routed else common), routed

    def at_end() -> None:
        with app.app_context():
            refusals.counter_of(app).write()

    return Front(app.wsgi_app, treatment, at_start=patience.limit_waits, at_end=at_end)


def make_parts(config: Config, clock: Clock) -> Runtime:
    """Connect to what the configuration names; nothing is contacted before it is used."""
    redis = connect(config.redis_url)
    return Runtime(
        config=config,
        clock=clock,
        redis=redis,
        storage=Storage(
            config.storage_url, public_url=config.public_url, signing_keys=config.signing_keys, clock=clock
        ),
        wechat=WeChatClient(
            config.wechat_base_url, config.wechat_appid, config.wechat_secret.value.decode(), redis, clock
        ),
        cipher=Cipher(config.encryption_keys, config.lookup_keys, audit=config.audit_keys),
    )
