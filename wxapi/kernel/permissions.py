"""Who may do which kind of thing: one table from permission to roles.

Holding a role opens the kind of thing (else 403); *where* it may be done is a condition in each query (else 404).
"""

from enum import StrEnum


class Role(StrEnum):
    """What a person can be appointed to, for a region and all below it."""

    COMMUNITY_WORKER = "community_worker"
    TOWNSHIP_OFFICER = "township_officer"
    STREET_CHIEF = "street_chief"
    SUPERVISOR = "supervisor"
    TRAINING_ORGANISER = "training_organiser"
    TRAINING_STEWARD = "training_steward"
    UNIT_OFFICER = "unit_officer"
    ADMIN = "admin"
    AUDITOR = "auditor"


ROLE_NAMES = {
    Role.COMMUNITY_WORKER: "社区（村）工作人员",
    Role.TOWNSHIP_OFFICER: "乡镇（街道）干部",
    Role.STREET_CHIEF: "街长",
    Role.SUPERVISOR: "督办员",
    Role.TRAINING_ORGANISER: "培训组织者",
    Role.TRAINING_STEWARD: "签到员",
    Role.UNIT_OFFICER: "单位经办人",
    Role.ADMIN: "管理员",
    Role.AUDITOR: "审计员",
}

# Roles that work on reports; the others never see a desk.
DESK_ROLES = frozenset({Role.COMMUNITY_WORKER, Role.TOWNSHIP_OFFICER, Role.STREET_CHIEF, Role.SUPERVISOR})


# Whoever appoints does not check on it: no person holds two of these.
APART = frozenset({Role.ADMIN, Role.AUDITOR})


class Permission(StrEnum):
    """A kind of thing a route does. Each route names exactly one."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    APPOINT = "appoint"
    MODERATE = "moderate"
    SCENE_CODES = "scene_codes"
    TRAINING_ORGANISE = "training_organise"
    TRAINING_STEWARD = "training_steward"
    TRAINING_COVERAGE = "training_coverage"
    UNITS = "units"
    WORK = "work"
    DESK = "desk"
    DESK_WORK = "desk_work"
    STATISTICS = "statistics"
    EXPORT = "export"
    AUDIT = "audit"


ROLES_OF: dict[Permission, frozenset[Role]] = {
    Permission.APPOINT: frozenset({Role.ADMIN}),
    Permission.MODERATE: frozenset({Role.TOWNSHIP_OFFICER, Role.SUPERVISOR}),
    Permission.SCENE_CODES: frozenset({Role.ADMIN, Role.TOWNSHIP_OFFICER}),
    Permission.TRAINING_ORGANISE: frozenset({Role.TRAINING_ORGANISER}),
    Permission.TRAINING_STEWARD: frozenset({Role.TRAINING_ORGANISER, Role.TRAINING_STEWARD}),
    Permission.TRAINING_COVERAGE: frozenset({Role.TRAINING_ORGANISER, Role.SUPERVISOR}),
    Permission.UNITS: frozenset({Role.ADMIN}),
    Permission.WORK: DESK_ROLES | {Role.UNIT_OFFICER, Role.TRAINING_ORGANISER},
    Permission.DESK: DESK_ROLES,
    Permission.DESK_WORK: frozenset({Role.COMMUNITY_WORKER, Role.TOWNSHIP_OFFICER}),
    Permission.STATISTICS: DESK_ROLES | {Role.AUDITOR},
    Permission.EXPORT: DESK_ROLES,
    # Of the whole city only: the record is one chain, whatever region an act was about.
    Permission.AUDIT: frozenset({Role.AUDITOR}),
}
