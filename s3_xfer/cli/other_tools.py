"""The words of aws, s5cmd, rclone and rsync, and what this program has for them.

Whoever comes from there types them for some days. An answer names options and commands of this
program as data, so that a test finds one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SIDES = "Each side has its own."
_NO_LOCAL = "Objects are copied inside S3 only, never through this machine."
_CARRIED_OVER = "Metadata and headers are always copied as they are."
_SELECTION = "s3-xfer filter shows what a pattern does."


@dataclass(frozen=True, slots=True)
class Answer:
    """What this program has for a word of another one.

    ``text`` is one or two sentences. ``ours`` are options, with their value where they take one, or
    ``COMMAND --option`` where another command has it.
    """

    text: str = ""
    ours: tuple[str, ...] = ()


def _ours(*ours: str) -> Answer:
    return Answer("", ours)


# Of each command of another tool, the line of this program, or why there is none.
COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("cp", "copyto", "scp", "run", "transfer"), "Use: s3-xfer copy."),
    **dict.fromkeys(
        ("mv", "move", "moveto", "rename"),
        "Nothing is deleted at the source. Use: s3-xfer copy, then s3-xfer check, and delete the "
        "source with a tool of its account.",
    ),
    **dict.fromkeys(
        ("rm", "del", "delete", "deletefile", "purge", "rb", "rmdir", "remove"),
        "Objects are deleted only where a sync finds them in addition. Use: s3-xfer sync --delete.",
    ),
    **dict.fromkeys(("mirror", "rsync", "clone", "bisync"), "Use: s3-xfer sync."),
    **dict.fromkeys(
        ("get", "put", "cat", "rcat", "pipe", "download", "upload", "head", "presign", "select"),
        f"{_NO_LOCAL} Use: aws s3.",
    ),
    **dict.fromkeys(("mb", "mkdir", "bucket"), "Buckets are not made here. Use: aws s3 mb."),
    **dict.fromkeys(("lsd", "lsl", "lsf", "lsjson", "list", "dir", "tree"), "Use: s3-xfer ls."),
    **dict.fromkeys(("size", "ncdu", "count", "summary"), "Use: s3-xfer du."),
    **dict.fromkeys(
        ("diff", "compare", "cmp", "verify", "validate", "cryptcheck", "md5sum", "checksum"),
        "Use: s3-xfer check.",
    ),
    **dict.fromkeys(("retry", "continue", "restart"), "Use: s3-xfer resume JOURNAL."),
    **dict.fromkeys(("diagnose", "debug", "test", "preflight"), "Use: s3-xfer doctor."),
    **dict.fromkeys(("cleanup", "abort"), "Use: s3-xfer uploads."),
    **dict.fromkeys(
        ("config", "configure", "login", "auth"),
        "Credentials come from AWS's own profiles. Use: aws configure, aws sso login.",
    ),
}

# Of each option of another tool, those of this program.
OPTIONS: Mapping[str, Answer] = {
    "--profile": Answer(_SIDES, ("--source-profile NAME", "--dest-profile NAME")),
    "--source-region-name": _ours("--source-region NAME"),
    "--region": Answer(_SIDES, ("--source-region NAME", "--dest-region NAME")),
    "--destination-region": _ours("--dest-region NAME"),
    "--role-arn": Answer(_SIDES, ("--source-role-arn ARN", "--dest-role-arn ARN")),
    "--external-id": Answer(_SIDES, ("--source-external-id ID", "--dest-external-id ID")),
    "--s3-profile": Answer(_SIDES, ("--source-profile NAME", "--dest-profile NAME")),
    "--s3-region": Answer(_SIDES, ("--source-region NAME", "--dest-region NAME")),
    "--no-sign-request": _ours("--source-no-sign-request"),
    **dict.fromkeys(("--endpoint", "--s3-endpoint"), _ours("--endpoint-url URL")),
    **dict.fromkeys(
        ("--no-verify-ssl", "--no-check-certificate"),
        Answer("Certificates are always verified.", ("--ca-bundle FILE",)),
    ),
    "--ca-cert": _ours("--ca-bundle FILE"),
    **dict.fromkeys(
        (
            *("--workers", "--numworkers", "--transfers", "--checkers", "--jobs", "--threads"),
            *("--parallel", "--max-concurrent-requests", "-j", "-c"),
            *("--s3-upload-concurrency", "--multi-thread-streams"),
        ),
        _ours("--concurrency N"),
    ),
    **dict.fromkeys(("--dryrun", "--dry_run", "--simulate", "--just-print"), _ours("--dry-run")),
    "-n": Answer("It means different things elsewhere.", ("--dry-run", "--no-overwrite")),
    **dict.fromkeys(("-q", "--silent", "--only-show-errors"), _ours("--quiet")),
    **dict.fromkeys(("-v", "-vv", "--debug", "--log-level"), _ours("--verbose")),
    **dict.fromkeys(("-P", "--no-progress", "--stats", "--show-progress"), _ours("--progress HOW")),
    **dict.fromkeys(("--output", "--log", "--use-json-log"), _ours("--json")),
    **dict.fromkeys(("-y", "--force", "--assume-yes", "--no-confirm"), _ours("--yes")),
    "-R": _ours("--recursive"),
    **dict.fromkeys(
        (
            *("--delete", "--delete-before", "--delete-after", "--delete-during"),
            *("--delete-removed", "--delete-excluded"),
        ),
        Answer("Only a sync deletes, and only at the destination.", ("sync --delete",)),
    ),
    **dict.fromkeys(("--size-only", "--if-size-differ", "-s"), _ours("sync --compare size")),
    **dict.fromkeys(("--checksum", "--hash-only"), _ours("sync --compare checksum", "--checksums")),
    **dict.fromkeys(
        ("--update", "-u", "--if-source-newer", "--exact-timestamps"),
        _ours("sync --compare newer"),
    ),
    **dict.fromkeys(
        ("--no-clobber", "--ignore-existing", "--immutable", "--skip-existing"),
        _ours("--no-overwrite"),
    ),
    "--backup-dir": _ours("sync --backup-prefix S3URL"),
    "--fast-list": _ours("--listing-threads N"),
    "--exit-on-error": _ours("--max-failures 0"),
    "--one-way": _ours("--ignore-extra"),
    **dict.fromkeys(
        ("--missing-on-dst", "--differ", "--combined", "--log-file", "--manifest"),
        _ours("--report FILE"),
    ),
    **dict.fromkeys(("--tpslimit", "--rate-limit", "--qps"), _ours("--max-requests-per-second N")),
    **dict.fromkeys(
        ("--bwlimit", "--max-bandwidth", "--bandwidth"),
        Answer(
            "The bytes never pass through this machine; requests can be limited.",
            ("--max-requests-per-second N",),
        ),
    ),
    **dict.fromkeys(
        ("--retry-count", "--retries-max", "--max-retries", "--low-level-retries"),
        _ours("--retries N"),
    ),
    "--retries-sleep": _ours("--retry-delay SECONDS"),
    **dict.fromkeys(("--timeout", "--cli-read-timeout"), _ours("--read-timeout SECONDS")),
    **dict.fromkeys(("--max-duration", "--time-limit"), _ours("--deadline WHEN")),
    **dict.fromkeys(
        ("--chunk-size", "--s3-chunk-size", "--multipart-chunksize", "-p"),
        _ours("--part-size SIZE"),
    ),
    **dict.fromkeys(
        ("--s3-copy-cutoff", "--s3-upload-cutoff"), _ours("--multipart-threshold SIZE")
    ),
    "--min-age": Answer(_SELECTION, ("--older-than WHEN",)),
    "--max-age": Answer(_SELECTION, ("--newer-than WHEN",)),
    **dict.fromkeys(("--filter", "-f"), Answer(_SELECTION, ("--include", "--exclude"))),
    "--include-from": Answer(_SELECTION, ("--filter-from FILE",)),
    "--exclude-from": Answer(_SELECTION, ("--filter-from FILE",)),
    "--files-from-raw": _ours("--files-from FILE"),
    **dict.fromkeys(("--kms-key-id", "--s3-sse-kms-key-id"), _ours("--sse-kms-key-id KEY")),
    **dict.fromkeys(("--s3-server-side-encryption", "--encryption"), _ours("--sse MODE")),
    "--s3-storage-class": _ours("--storage-class CLASS"),
    **dict.fromkeys(("--grants", "--s3-acl"), _ours("--acl ACL")),
    **dict.fromkeys(("--tagging", "--copy-props"), Answer(_CARRIED_OVER, ("--tags",))),
    **dict.fromkeys(
        (
            *("--metadata", "--metadata-set", "--metadata-directive", "--content-type"),
            *("--cache-control", "--content-encoding", "--content-disposition"),
            *("--content-language", "--expires"),
        ),
        Answer(_CARRIED_OVER),
    ),
    **dict.fromkeys(("--human-readable", "--summarize", "-H"), Answer("That is always so.")),
    **dict.fromkeys(
        ("--access-key", "--secret-key", "--token", "--aws-access-key-id"),
        Answer(
            "Keys are not typed here: they come from profiles, roles or the environment.",
            ("--source-profile NAME", "--dest-profile NAME"),
        ),
    ),
}
