"""Files that are either whole or absent: written beside their place, then moved onto it; and read with suspicion.

Torch is imported only where its own files are read or written.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rkblocks import invocation
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.extras import require

if TYPE_CHECKING:
    from torch import Tensor, device

#: What torch calls the types of safetensors.
TYPES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool"},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64"},
}


def write(path: Path, content: bytes) -> None:
    """Write the file in one step: whoever reads it finds the old content or the new one, whole.

    Raises:
        RkblocksError: RK716 where the file cannot be written (disk full, folder gone, no permission).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file under the final name
        os.replace(temporary, path)
        _settle(path.parent)
    except OSError as error:
        _unwritable(path, error)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the names in a folder written as well, in the order of the calls, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def clear_parts(folder: Path) -> None:
    """Remove what processes that were killed while writing have left in a folder."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write the text atomically, as UTF-8."""
    write(path, text.encode())


def append_line(path: Path, text: str) -> None:
    """Append a line; raises RkblocksError RK716 where that fails."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _unwritable(path, error)


def save_weights(path: Path, state: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write a state_dict as safetensors, atomically; `about` it is kept as the JSON text of the one key "run".

    One key, since safetensors writes several in any order, and equal weights shall be equal bytes.
    """
    library = require("safetensors.torch", "torch", "saving weights")
    # Clones: safetensors refuses tensors that share memory, such as the affine parameters of two stages.
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    write(path, library.save(tensors, metadata={"run": json.dumps(dict(about))}))


def load_weights(path: Path, device: str | device = "cpu") -> dict[str, Tensor]:
    """Read a state_dict; raises RkblocksError RK712 (absent) or RK713 (damaged, or values that are no numbers)."""
    library = require("safetensors.torch", "torch", "loading weights")
    safetensors = require("safetensors", "torch", "loading weights")
    _expect(path)
    try:
        tensors: dict[str, Tensor] = library.load_file(path, device=str(device))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        damaged(path, error)
    for name, tensor in tensors.items():
        if not finite(tensor):
            help = "restore it from a copy, or train again"
            fail("RK713", f"{path}: the tensor {name} has values that are no finite numbers", help=help)
    return tensors


def finite(tensor: Tensor) -> bool:
    """Whether a tensor has finite values alone; of a type that has no such test it has none that are used here."""
    try:
        return bool(tensor.isfinite().all())
    except (RuntimeError, NotImplementedError):
        return False


def about_weights(path: Path) -> dict[str, Any]:
    """Read what save_weights was told about the weights; empty where the file does not say."""
    safetensors = require("safetensors", "torch", "loading weights")
    _expect(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(json.loads((file.metadata() or {}).get("run", "{}")))
    except (safetensors.SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        damaged(path, error)


def save_state(path: Path, previous: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers, texts and containers of them with torch.save, atomically; keep the file before it.

    There is a whole file of the name `path` at any moment. Without hard links `previous` is not made.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    link = previous.with_name(f".{previous.name}.{os.getpid()}.part")
    with suppress(OSError):
        os.link(path, link)
        os.replace(link, previous)
    with suppress(OSError):
        link.unlink(missing_ok=True)  # it stays where `previous` was the same file already, after a failed write
    write(path, buffer.getvalue())


def load_state(path: Path, look: Callable[[Any], None] = lambda state: None) -> dict[str, Any]:
    """Read what save_state wrote, to the CPU and without unpickling code. `look` raises what is wrong with the content.

    It takes no more memory than the file is long: torch packs nothing, so that what is packed is refused.

    Raises:
        RkblocksError: RK712 (absent), RK713 (damaged, or `look` raised).
    """
    import torch

    _expect(path)
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not look at the checksums that it writes
            members = archive.infolist()
            packed = any(one.compress_type != zipfile.ZIP_STORED for one in members)
            if packed or sum(one.file_size for one in members) > path.stat().st_size:
                raise ValueError("it would unpack to more than it holds")
            if broken := archive.testzip():
                raise ValueError(f"the checksum of {broken} is wrong")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        look(state)
    except Exception as error:  # a damaged zip or pickle raises almost anything
        damaged(path, error)
    return state


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; raises RkblocksError RK712 where there is none."""
    _expect(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def described(name: str, kind: str, shape: Iterable[int]) -> bytes:
    """What a hash of tensors takes in before the bytes of one: its name, torch's name of its type, its shape."""
    return f"{name}:{kind}:{tuple(shape)};".encode()


def weights_hash(path: Path) -> str:
    """The SHA-256 of the tensors in a safetensors file: names, types, shapes and bytes, in order of names, as
    `evaluation.subject.state_hash` has it. What the file says beside them, such as seconds, is left out.

    Raises RkblocksError RK712 (absent), RK713 (damaged).
    """
    _expect(path)
    digest = hashlib.sha256()
    try:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        for name in sorted(header.keys() - {"__metadata__"}):
            one = header[name]
            kind, (first, last) = TYPES.get(one["dtype"], one["dtype"]), one["data_offsets"]
            digest.update(described(name, f"torch.{kind}", one["shape"]))
            digest.update(content[start + first : start + last])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        damaged(path, error)
    return digest.hexdigest()


def weights_hashes(path: Path) -> tuple[str, ...]:
    """Every hash that evaluations know these weights by: that of the tensors, and that of the whole file, as
    evaluations until November 2026 have it. None where there is no such file.
    """
    if not path.is_file():
        return ()
    try:
        return weights_hash(path), sha256(path)
    except RkblocksError:  # damaged: whoever loads it says so
        return (sha256(path),)


def _expect(path: Path) -> None:
    if not path.is_file():
        unfinished = (path.parent / "resume.pt").is_file() and not (path.parent / "last.safetensors").is_file()
        line = invocation.line("train", resume=path.parent)
        resume = f"weights come with the end of the first epoch: {line}"
        other = f"is {path.parent} a run folder whose training has started?"
        if path.name == "average.safetensors" and (path.parent / "last.safetensors").is_file():
            other = "this run keeps no average beside its weights (averaging.kind in config.toml); choose best or last"
        fail("RK712", f"{path} does not exist", help=resume if unfinished else other)


def damaged(path: Path, error: Exception) -> NoReturn:
    """Raise RkblocksError RK713: the file is there and cannot be read."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    reason = " ".join(text.split())[:200] or type(error).__name__
    fail("RK713", f"{path} cannot be read: {reason}", help="it is damaged; restore it from a copy, or train again")


def _unwritable(path: Path, error: OSError) -> None:
    reason = error.strerror or str(error)
    fail(
        "RK716",
        f"{path} cannot be written: {reason}",
        help="what was saved before is untouched, and training continues from it once there is room",
    )
