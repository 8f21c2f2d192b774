"""The platform's own tables: publications, counters, credentials, sessions, tokens and jobs."""

from __future__ import annotations

import sqlalchemy as sa

system_metadata = sa.MetaData()

publication = sa.Table(
    "kartoteka_publication",
    system_metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_on", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("definition", sa.Text, nullable=False),  # the registry as JSON
    sa.Column("identities", sa.Text),  # {path: identity} where it is not the name
    sa.Column("overrides", sa.Text),  # what more than one bundle sets
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("returns_to", sa.Integer),  # a rollback: the publication whose registry it has again
    sa.Column("consents", sa.Text),  # names that were consented to, as JSON
    sa.Column("changes", sa.Text),  # what changed, in words, as JSON
)

# What is gone from the metadata and whose data is kept (kartoteka.identities.Retired).
retired = sa.Table(
    "kartoteka_retired",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),  # names, as JSON
    sa.Column("definition", sa.Text, nullable=False),  # as JSON
    sa.Column("is_original", sa.Integer, nullable=False),
    sa.Column("became", sa.Text),  # of an original: definitions as JSON, one after the other
    sa.Column("identities", sa.Text),  # of an entity: {field: identity} where it is not the name
)

# What was retired and then destroyed by name: what a rollback cannot bring back.
purged = sa.Table(
    "kartoteka_purged",
    system_metadata,
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
    sa.Column("purged_on", sa.String(20), nullable=False),
)

# Single facts about the database: app (whose it is), schema (as the last publish left it).
fact = sa.Table(
    "kartoteka_fact",
    system_metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

counter = sa.Table(
    "kartoteka_counter",
    system_metadata,
    sa.Column("name", sa.String(128), primary_key=True),  # entity.field of an autonumber
    sa.Column("value", sa.BigInteger, nullable=False),  # the number given last
)

credential = sa.Table(
    "kartoteka_credential",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", sa.String(20)),
)

preference = sa.Table(
    "kartoteka_preference",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("language", sa.String(16)),
    sa.Column("time_zone", sa.String(64)),
)

session = sa.Table(
    "kartoteka_session",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("created_on", sa.String(20), nullable=False),
    sa.Column("expires_on", sa.String(20), nullable=False),
    sa.Column("used_on", sa.String(20)),  # written once a minute at most
    sa.Column("address", sa.String(100)),  # where it began
    sa.Column("browser", sa.String(100)),
    sa.Column("seen_as", sa.String(36)),  # the user whom an administrator sees the app as
    sa.Column("seen_until", sa.String(20)),
)
sa.Index("ix_kartoteka_session_user", session.c.user_id)

token = sa.Table(
    "kartoteka_token",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("created_on", sa.String(20), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False, server_default="api"),  # api, access
    sa.Column("scopes", sa.Text),  # parted by blanks; null: whatever the user may do
    sa.Column("expires_on", sa.String(20)),  # null: made before tokens ended
    sa.Column("used_on", sa.String(20)),  # written once a minute at most
    sa.Column("revoked_on", sa.String(20)),
    sa.Column("issued_by", sa.String(36)),  # of an access token: the client secret it was given for
)
sa.Index("ix_kartoteka_token_user", token.c.user_id)

# What services prove who they are with; they sign in by the application id of their user.
client_secret = sa.Table(
    "kartoteka_client_secret",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("client_id", sa.String(36), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("created_on", sa.String(20), nullable=False),
    sa.Column("expires_on", sa.String(20), nullable=False),
    sa.Column("used_on", sa.String(20)),
    sa.Column("revoked_on", sa.String(20)),
)
sa.Index("ix_kartoteka_client_secret", client_secret.c.client_id, client_secret.c.secret_hash)

# Ways to a new password that were sent by mail; each goes with its use.
password_reset = sa.Table(
    "kartoteka_password_reset",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("for_hash", sa.String(64), nullable=False),  # of the password hash it replaces
    sa.Column("created_on", sa.String(20), nullable=False),
    sa.Column("expires_on", sa.String(20), nullable=False),
)

# Jobs: the outbox that a record's transaction writes, and what became of each. Moments are UTC with
# milliseconds, sortable as text (kartoteka_runtime.storage.moments).
job = sa.Table(
    "kartoteka_job",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("job", sa.Text, nullable=False),  # the name of its handler
    sa.Column("arguments", sa.Text, nullable=False),  # as JSON
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("key", sa.Text),
    sa.Column("state", sa.String(10), nullable=False),  # kartoteka_runtime.storage.stored_job
    sa.Column("reason", sa.Text),  # why it is parked, as JSON
    sa.Column("run_at", sa.String(24), nullable=False),
    sa.Column("user_id", sa.String(36), nullable=False),  # who enqueued it; empty: the platform
    sa.Column("is_system", sa.Integer, nullable=False),  # it runs as the platform
    sa.Column("publication", sa.Integer, nullable=False),  # live when it was enqueued
    sa.Column("depth", sa.Integer, nullable=False),  # of jobs that enqueue jobs
    sa.Column("correlation_id", sa.String(36), nullable=False),  # the first job of the chain
    sa.Column("chain_on", sa.String(24), nullable=False),  # when its depth began to count
    sa.Column("created_on", sa.String(24), nullable=False),
    sa.Column("started_on", sa.String(24)),
    sa.Column("ended_on", sa.String(24)),
    sa.Column("attempts", sa.Integer, nullable=False),  # that count against the handler's most
    sa.Column("losses", sa.Integer, nullable=False),  # how often its worker died
    sa.Column("claims", sa.Integer, nullable=False),  # how often it was begun: whose run counts
    sa.Column("worker", sa.String(36)),  # that runs it
    sa.Column("handed_to", sa.Text),  # the workflow that is to run it
    sa.Column("handed_on", sa.String(24)),
    sa.Column("hand_overs", sa.Integer, nullable=False),
    sa.Column("is_cancel_asked", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),  # of the last attempt, as JSON
    sa.Column("progress_done", sa.Integer),
    sa.Column("progress_total", sa.Integer),
    sa.Column("progress_text", sa.Text),
)
_WAITS = sa.text("state = 'waiting'")
sa.Index(
    "ix_kartoteka_job_due",
    job.c.queue,
    job.c.run_at,
    sqlite_where=sa.text("state = 'waiting' AND handed_to IS NULL"),
    postgresql_where=sa.text("state = 'waiting' AND handed_to IS NULL"),
)
sa.Index(
    "ix_kartoteka_job_handed",
    job.c.handed_to,
    sqlite_where=sa.text("state = 'waiting' AND handed_to IS NOT NULL"),
    postgresql_where=sa.text("state = 'waiting' AND handed_to IS NOT NULL"),
)
sa.Index("ix_kartoteka_job_key", job.c.job, job.c.key, sqlite_where=_WAITS, postgresql_where=_WAITS)
sa.Index(
    "ix_kartoteka_job_running",
    job.c.worker,
    sqlite_where=sa.text("state = 'running'"),
    postgresql_where=sa.text("state = 'running'"),
)
sa.Index("ix_kartoteka_job_state", job.c.state, job.c.id)

# What steps of jobs returned, written in the transaction of what they did.
job_step = sa.Table(
    "kartoteka_job_step",
    system_metadata,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("occurrence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(8), nullable=False),  # step or sleep
    sa.Column("result", sa.Text, nullable=False),  # as JSON; of a sleep: until when
    sa.Column("done_on", sa.String(24), nullable=False),
)

# Processes that run jobs; each counts up while it lives.
job_worker = sa.Table(
    "kartoteka_job_worker",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("place", sa.Text, nullable=False),  # machine and process, for people
    sa.Column("started_on", sa.String(24), nullable=False),
    sa.Column("beat_on", sa.String(24), nullable=False),
    sa.Column("beats", sa.Integer, nullable=False),
)

# When each schedule comes next.
job_schedule = sa.Table(
    "kartoteka_job_schedule",
    system_metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("next_on", sa.String(24), nullable=False),
    sa.Column("last_on", sa.String(24)),
    sa.Column("last_job", sa.String(36)),
)

# Whom a record is shared with. ``rights`` is ``explicit_rights | inherited_rights``, masks of
# kartoteka.access.rights: what somebody gave, and what came from records above it. A row that holds
# no right is removed. Shares of activities stand under their own entity and under their pointer's.
_RECORD_ID = sa.String(36).with_variant(sa.Uuid(as_uuid=False), "postgresql")
share = sa.Table(
    "kartoteka_share",
    system_metadata,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("record_id", _RECORD_ID, primary_key=True),
    sa.Column("principal_id", _RECORD_ID, primary_key=True),
    sa.Column("principal_type", sa.String(16), nullable=False),  # systemuser, team, organization
    sa.Column("explicit_rights", sa.Integer, nullable=False),
    sa.Column("inherited_rights", sa.Integer, nullable=False),
    sa.Column("rights", sa.Integer, nullable=False),
    sa.Column("shared_by", sa.String(36), nullable=False),  # a user; empty: the platform
    sa.Column("changed_on", sa.String(20), nullable=False),
)
sa.Index(
    "ix_kartoteka_share_principal",
    share.c.principal_id,
    share.c.entity,
    share.c.record_id,
    share.c.rights,
)

# What became of records whose changes are tracked: they were deleted, or moved away from somebody.
# ``holder``, ``owner_id``, ``unit_id`` and ``sharees`` say who could read them until then, as
# records.changes writes them. Rows go when no token is old enough to ask for them.
gone = sa.Table(
    "kartoteka_gone",
    system_metadata,
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("record_id", _RECORD_ID, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),  # the entity of the record that decided
    sa.Column("owner_id", sa.String(36), nullable=False),  # empty: it had none
    sa.Column("unit_id", sa.String(36), nullable=False),
    sa.Column("sharees", sa.Text),  # ids of principals as JSON; null: none
    sa.Column("gone_on", sa.String(20), nullable=False),
)
sa.Index("ix_kartoteka_gone_entity", gone.c.entity, gone.c.version)
sa.Index("ix_kartoteka_gone_on", gone.c.gone_on)

# On PostgreSQL: every version up to ``version`` belongs to a transaction that began before ``xid``.
change_mark = sa.Table(
    "kartoteka_change_mark",
    system_metadata,
    sa.Column("xid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# One row, whose number changes with every write that may change what somebody may do.
access_version = sa.Table(
    "kartoteka_access",
    system_metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# What messages of webhooks are signed with, encrypted; without an end: the one that signs.
webhook_secret = sa.Table(
    "kartoteka_webhook_secret",
    system_metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("webhook_id", sa.String(36), nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_on", sa.String(24), nullable=False),
    sa.Column("expires_on", sa.String(24)),
)
sa.Index("ix_kartoteka_webhook_secret", webhook_secret.c.webhook_id)

# Signing in beyond passwords. An attempt is half-way, for minutes, and can be ended once; its data
# hold no secret that is of use to who reads them. Bytes are base64url.
sign_in_attempt = sa.Table(
    "kartoteka_sign_in_attempt",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("user_id", sa.String(36), nullable=False),  # empty: nobody has been proved yet
    sa.Column("data", sa.Text, nullable=False),  # as JSON
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_on", sa.String(20), nullable=False),
)
sa.Index("ix_kartoteka_sign_in_attempt_expires", sign_in_attempt.c.expires_on)

# Who a user is at an identity provider.
external_identity = sa.Table(
    "kartoteka_external_identity",
    system_metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("linked_on", sa.String(20), nullable=False),
)
sa.Index("ix_kartoteka_external_identity_user", external_identity.c.user_id)

# One-time codes by the clock; the secret is encrypted, the last counter is never accepted again.
totp = sa.Table(
    "kartoteka_totp",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("last_counter", sa.BigInteger, nullable=False),
    sa.Column("added_on", sa.String(20), nullable=False),
)
recovery_code = sa.Table(
    "kartoteka_recovery_code",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("code_hash", sa.String(64), primary_key=True),
)
# Wrong second factors of a user in a row, and until when the next one has to wait.
factor_failure = sa.Table(
    "kartoteka_factor_failure",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.String(20)),
)
passkey = sa.Table(
    "kartoteka_passkey",
    system_metadata,
    sa.Column("credential_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("added_on", sa.String(20), nullable=False),
    sa.Column("used_on", sa.String(20)),
)
sa.Index("ix_kartoteka_passkey_user", passkey.c.user_id)

# Files: what is kept in the file store under their ids, and the fields of which records hold them.
# Nobody reads what is pending or removed; jobs take it away (kartoteka_runtime.jobs.file_jobs).
stored_file = sa.Table(
    "kartoteka_file",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("entity", sa.Text, nullable=False),  # as it was called then
    sa.Column("record_id", sa.String(36), nullable=False),  # empty: it is not created yet
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("media_type", sa.String(255), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),  # pending, complete, kept, removed
    sa.Column("user_id", sa.String(36), nullable=False),  # who brought it; empty: the platform
    sa.Column("created_on", sa.String(24), nullable=False),
)
_IS_LOOSE = sa.text("state <> 'kept'")
sa.Index(
    "ix_kartoteka_file_loose",
    stored_file.c.state,
    stored_file.c.created_on,
    sqlite_where=_IS_LOOSE,
    postgresql_where=_IS_LOOSE,
)

sa.Index("ix_kartoteka_file_record", stored_file.c.record_id)

# Small pictures of images, base64 encoded: what lists, forms and the Web API show of them.
thumbnail = sa.Table(
    "kartoteka_thumbnail",
    system_metadata,
    sa.Column("file_id", sa.String(36), primary_key=True),
    sa.Column("media_type", sa.String(20), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

# Files that come in pieces; who holds the token may send them, until it expires.
file_upload = sa.Table(
    "kartoteka_upload",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("file_id", sa.String(36), nullable=False),
    sa.Column("claimed_type", sa.String(100), nullable=False),
    sa.Column("total", sa.BigInteger),  # of its bytes, once a piece has said it
    sa.Column("is_done", sa.Integer, nullable=False),
    sa.Column("expires_on", sa.String(24), nullable=False),
)
sa.Index("ix_kartoteka_upload_file", file_upload.c.file_id)
upload_piece = sa.Table(
    "kartoteka_upload_piece",
    system_metadata,
    sa.Column("file_id", sa.String(36), primary_key=True),
    sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)

# Row versions are counted by a sequence on PostgreSQL, in a table of one row on SQLite.
VERSION_DDL = {
    "sqlite": (
        "CREATE TABLE kartoteka_version (value INTEGER NOT NULL)",
        "INSERT INTO kartoteka_version (value) VALUES (1)",
    ),
    "postgresql": ("CREATE SEQUENCE kartoteka_version",),
}


def version_name(generation: int) -> str:
    """Return what row versions are counted with in a generation.

    A publish that stores existing values otherwise renames it, so that what was still on its way
    with the form from before fails instead of writing in that form.
    """
    return f"kartoteka_version_{generation}" if generation else "kartoteka_version"
