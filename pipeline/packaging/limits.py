"""Lambda's limits, checked before anything is uploaded; what is too large is said by folder."""

from collections import Counter
from collections.abc import Sequence

from pipeline.errors import Diagnostic
from pipeline.packaging.values import Artifact, FunctionCode, LayerCode, Limits

_SHOWN = 5


def too_large(
    code: FunctionCode | LayerCode, artifact: Artifact, layers: Sequence[Artifact], limits: Limits
) -> Diagnostic | None:
    """The finding for a function whose files, together with those of its layers, are more than Lambda unpacks."""
    total = artifact.unzipped_size + sum(layer.unzipped_size for layer in layers)
    if total <= limits.unzipped:
        return None
    among = f" with its {len(layers)} layers" if layers else ""
    message = (
        f"packaging {code.address}: unzipped{among} it has {total:,} bytes, Lambda takes {limits.unzipped:,}"
        f" (largest: {_largest((artifact, *layers))})"
    )
    return Diagnostic(
        message,
        code.file,
        code.line,
        address=code.address,
        hint="do without files (exclude) or packages (requirements) that are not needed",
    )


def only_through_s3(code: FunctionCode | LayerCode, artifact: Artifact, limits: Limits) -> Diagnostic | None:
    """The warning for an archive that cannot be handed to Lambda directly; from S3 it is taken."""
    if artifact.size <= limits.zipped:
        return None
    message = (
        f"packaging {code.address}: the archive has {artifact.size:,} bytes; Lambda takes {limits.zipped:,} in a direct"
        f" upload, more only from S3 (largest: {_largest((artifact,))})"
    )
    return Diagnostic(message, code.file, code.line, address=code.address, severity="warning")


def _largest(artifacts: Sequence[Artifact]) -> str:
    """The largest folders: the top ones, below `python/` in a layer."""
    from pipeline.packaging.archive import contents  # noqa: PLC0415 - only needed to word a finding

    sizes: Counter[str] = Counter()
    for artifact in artifacts:
        for name, size in contents(artifact.path).items():
            top, _, rest = name.removeprefix("python/").partition("/")
            sizes[f"{top}/" if rest else top] += size
    return ", ".join(f"{name} {size / 1_000_000:.1f} MB" for name, size in sizes.most_common(_SHOWN))
