"""A fax call in software: two T.30 engines of spandsp, one that calls and one that is called, hear each other's tones.

Training, page transfer, error correction and every reply are real; the telephone line between the two is this module,
which can add noise to it, silence it or cut it. Needs the shared library libspandsp 2 (Debian's libspandsp2, LGPL-2.1),
called by ctypes. Written against its headers of version 0.0.6 (t30.h, t30_api.h, fax.h, awgn.h).
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LIBRARY = "libspandsp.so.2"
RATE = 8000  #: samples a second, of 16 bits
_CHUNK = 160  #: samples: 20 ms, what passes between the two at a time
#: Seconds of line time after which the exchange itself clears the call.
LONGEST = 3600.0
#: After its last word an engine is heard for as long, so that the other one has it (T.30: DCN is sent, then silence).
_AFTERWARDS = 2.0
#: Status that a called machine gives a caller whose identity it does not accept: it sends DCN (t30.h, 0.0.6).
_IDENT_UNACCEPTABLE = 54
_R8_FINE_AND_STANDARD, _R8_STANDARD = 0x20003, 0x20001
_V27_V29_V17, _V27_V29 = 0x07, 0x03


@dataclass(frozen=True, slots=True)
class FarEnd:
    """Who picks up."""

    station: str = ""  #: CSI: the number that the machine says it has
    is_fax: bool = True  #: False: a person, or nobody, who sends no tone
    ecm: bool = True
    fine: bool = True  #: False: it takes standard resolution alone
    slow: bool = False  #: True: 9,600 bit/s at most (no V.17)
    declines: bool = False  #: it lets nobody in whom it does not know
    takes_pages: int = -1  #: it hangs up after so many; -1: never


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to what is said. Times are seconds of line time from the answer."""

    noise: tuple[float, float, float] | None = None  #: from, to, level in dBm0, to both ears
    cut_in_page: int = 0  #: the call is cleared in the middle of this page; 0: it is not
    dead_after_last_page: bool = False  #: the caller does not hear what is said of the last page
    seed: int = 1  #: of the noise


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call came to, as the calling machine knows it; `received` is what the called one kept."""

    code: int  #: T.30 completion code of the calling engine (t30.h)
    says: str  #: the same in the library's words
    pages: int  #: confirmed by the called machine
    seconds: float  #: of line time
    station: str  #: CSI of the called machine; '' where none was heard
    rate: int  #: bit/s at which the last page went
    ecm: bool
    received: bytes = field(repr=False, default=b"")  #: TIFF; empty where no page was kept
    pages_received: int = 0


def is_here() -> bool:
    """Can the library be loaded on this machine?"""
    try:
        _library()
    except OSError:
        return False
    return True


def call(document: bytes, far: FarEnd, line: Line, *, station: str = "", header: str = "") -> Heard:
    """Send the pages of a TIFF over a call. Raises OSError where the library is not installed.

    `station` is the number that we say we have, `header` the line that the calling machine prints over each page ('':
    none: the page arrives as it was sent). Takes a fraction of the line time, on the calling thread.
    """
    with tempfile.TemporaryDirectory(prefix="t30-") as name:
        sent, kept = Path(name) / "sent.tif", Path(name) / "kept.tif"
        sent.write_bytes(document)
        with _engine(calling=True) as caller, ExitStack() as stack:
            callee = stack.enter_context(_engine(calling=False)) if far.is_fax else None
            _dress_caller(caller, sent, station, header)
            if callee is not None:
                _dress_callee(callee, kept, far)
            talk = _Talk(caller, callee, far, line)
            talk.go_on()
            stats, seconds = caller.stats(), talk.now
            code = _OK if caller.code is None else caller.code
            pages_received = callee.stats().pages_rx if callee else 0
            heard = _text(_library().t30_get_rx_ident(caller.t30))
        return Heard(
            code=code,
            says=_text(_library().t30_completion_code_to_str(code)),
            pages=stats.pages_tx,
            seconds=round(seconds, 3),
            station=heard,
            rate=stats.bit_rate,
            ecm=bool(stats.error_correcting_mode),
            received=kept.read_bytes() if kept.exists() and pages_received else b"",
            pages_received=pages_received,
        )


_OK, _CALL_DROPPED = 0, 49


# -- the library -------------------------------------------------------------------------------------------------------


class _Stats(ctypes.Structure):
    """t30_stats_t of 0.0.6."""

    _fields_ = tuple(
        (name, ctypes.c_int)
        for name in (
            *("bit_rate", "error_correcting_mode", "pages_tx", "pages_rx", "pages_in_file", "x_resolution"),
            *("y_resolution", "width", "length", "image_size", "encoding", "bad_rows", "longest_bad_row_run"),
            *("error_correcting_mode_retries", "current_status"),
        )
    )

    bit_rate: int
    error_correcting_mode: int
    pages_tx: int
    pages_rx: int


_Phase = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_End = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_Samples = ctypes.c_int16 * _CHUNK


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    pointer, integer, words = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, gives, takes in (
        ("fax_init", pointer, (pointer, integer)),
        ("fax_free", integer, (pointer,)),
        ("fax_rx", integer, (pointer, pointer, integer)),
        ("fax_tx", integer, (pointer, pointer, integer)),
        ("fax_set_transmit_on_idle", None, (pointer, integer)),
        ("fax_get_t30_state", pointer, (pointer,)),
        ("fax_get_logging_state", pointer, (pointer,)),
        ("t30_get_logging_state", pointer, (pointer,)),
        ("span_log_set_level", integer, (pointer, integer)),
        ("t30_terminate", None, (pointer,)),
        ("t30_set_tx_ident", integer, (pointer, words)),
        ("t30_get_rx_ident", words, (pointer,)),
        ("t30_set_tx_page_header_info", integer, (pointer, words)),
        ("t30_set_tx_file", None, (pointer, words, integer, integer)),
        ("t30_set_rx_file", None, (pointer, words, integer)),
        ("t30_set_ecm_capability", integer, (pointer, integer)),
        ("t30_set_supported_modems", integer, (pointer, integer)),
        ("t30_set_supported_compressions", integer, (pointer, integer)),
        ("t30_set_supported_resolutions", integer, (pointer, integer)),
        ("t30_set_supported_image_sizes", integer, (pointer, integer)),
        ("t30_set_phase_b_handler", None, (pointer, _Phase, pointer)),
        ("t30_set_phase_d_handler", None, (pointer, _Phase, pointer)),
        ("t30_set_phase_e_handler", None, (pointer, _End, pointer)),
        ("t30_get_transfer_statistics", None, (pointer, ctypes.POINTER(_Stats))),
        ("t30_completion_code_to_str", words, (integer,)),
        ("awgn_init_dbm0", pointer, (pointer, integer, ctypes.c_float)),
        ("awgn", ctypes.c_int16, (pointer,)),
        ("awgn_free", integer, (pointer,)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    return library


def _text(words: bytes | None) -> str:
    return (words or b"").decode("ascii", "replace").strip()


class _Engine:
    """One fax machine. Its handlers are kept here as long as it lives: the library holds bare pointers to them."""

    def __init__(self, *, calling: bool) -> None:
        library = _library()
        self._fax = library.fax_init(None, calling)
        if not self._fax:
            raise MemoryError("no fax engine")
        self.t30 = library.fax_get_t30_state(self._fax)
        for log in (library.fax_get_logging_state(self._fax), library.t30_get_logging_state(self.t30)):
            library.span_log_set_level(log, 0)  # it would write to standard error
        library.fax_set_transmit_on_idle(self._fax, 1)
        self.code: int | None = None  #: how it ended; None while it has not
        self.began_at_b = 0.0  #: when the two had agreed
        self._kept: list[object] = []
        self._on(library.t30_set_phase_e_handler, _End, self._ended)

    def _ended(self, _t30: int, _data: int, code: int) -> None:
        if self.code is None:
            self.code = code

    def _on(self, setter: Callable[..., None], kind: Callable[..., object], handler: Callable[..., object]) -> None:
        kept = kind(handler)
        self._kept.append(kept)
        setter(self.t30, kept, None)

    def at_phase(self, phase: str, handler: Callable[[int], int]) -> None:
        """`handler` is told the T.30 frame that phase B or D met, and says the status to go on with (0: well)."""
        setter = getattr(_library(), f"t30_set_phase_{phase}_handler")
        self._on(setter, _Phase, lambda _t30, _data, frame: handler(frame))

    def say(self, into: ctypes.Array[ctypes.c_int16]) -> None:
        _library().fax_tx(self._fax, into, _CHUNK)

    def hear(self, what: ctypes.Array[ctypes.c_int16]) -> None:
        _library().fax_rx(self._fax, what, _CHUNK)

    def hang_up(self) -> None:
        _library().t30_terminate(self.t30)

    def stats(self) -> _Stats:
        found = _Stats()
        _library().t30_get_transfer_statistics(self.t30, ctypes.byref(found))
        return found

    def free(self) -> None:
        _library().fax_free(self._fax)


@contextmanager
def _engine(*, calling: bool) -> Iterator[_Engine]:
    engine = _Engine(calling=calling)
    try:
        yield engine
    finally:
        engine.free()


def _dress_caller(engine: _Engine, document: Path, station: str, header: str) -> None:
    library = _library()
    library.t30_set_tx_ident(engine.t30, station.encode("ascii", "replace"))
    if header:
        library.t30_set_tx_page_header_info(engine.t30, header.encode("ascii", "replace"))
    _capable(engine, FarEnd())
    library.t30_set_tx_file(engine.t30, str(document).encode(), -1, -1)


def _dress_callee(engine: _Engine, kept: Path, far: FarEnd) -> None:
    library = _library()
    library.t30_set_tx_ident(engine.t30, far.station.encode("ascii", "replace"))
    _capable(engine, far)
    library.t30_set_rx_file(engine.t30, str(kept).encode(), -1)
    if far.declines:
        engine.at_phase("b", lambda _frame: _IDENT_UNACCEPTABLE)


def _capable(engine: _Engine, far: FarEnd) -> None:
    """What every Group 3 machine of an office has: A4, MH to MMR, fine, V.17, error correction; less where stated."""
    library = _library()
    library.t30_set_ecm_capability(engine.t30, far.ecm)
    library.t30_set_supported_modems(engine.t30, _V27_V29 if far.slow else _V27_V29_V17)
    library.t30_set_supported_compressions(engine.t30, 0x0E if far.ecm else 0x06)
    library.t30_set_supported_resolutions(engine.t30, _R8_FINE_AND_STANDARD if far.fine else _R8_STANDARD)
    library.t30_set_supported_image_sizes(engine.t30, 0x01 | 0x10000 | 0x20000)  # 215 mm wide, of any length


# -- the call ----------------------------------------------------------------------------------------------------------


class _Talk:
    """The line between the two, 20 ms after 20 ms."""

    def __init__(self, caller: _Engine, callee: _Engine | None, far: FarEnd, line: Line) -> None:
        self.caller, self.callee, self.far, self.line = caller, callee, far, line
        self.now = 0.0
        self._agreed_at = self._page_at = 0.0  #: when the two had agreed; when the page under way began
        self._page = 1  #: that goes over the line now
        self._dead = False
        self._noise = _Noise(line) if line.noise else None
        caller.at_phase("b", self._agreed)
        if callee is not None:
            callee.at_phase("d", self._page_came)

    def _agreed(self, _frame: int) -> int:
        self._agreed_at = self._agreed_at or self.now
        return _OK

    def _page_came(self, _frame: int) -> int:
        """The called machine has a whole page, and is about to say so."""
        self._page, self._page_at = self._page + 1, self.now
        last = self._page > self._pages
        self._dead |= last and self.line.dead_after_last_page
        return _OK

    @property
    def _pages(self) -> int:
        return int(self.caller.stats().pages_in_file)

    def go_on(self) -> None:
        """Until both have hung up."""
        ours, theirs, silence = _Samples(), _Samples(), _Samples()
        quiet = 0.0
        while quiet < _AFTERWARDS and self.now < LONGEST:
            self.caller.say(ours)
            if self.callee is not None:
                self.callee.say(theirs)
            if self._noise is not None:
                self._noise.over(self.now, ours, theirs)
            self.caller.hear(silence if self._dead or self.callee is None else theirs)
            if self.callee is not None:
                self.callee.hear(ours)
            self.now += _CHUNK / RATE
            if self._is_cut():
                self._clear()
            quiet = quiet + _CHUNK / RATE if self._over else 0.0

    @property
    def _over(self) -> bool:
        return self.caller.code is not None

    def _is_cut(self) -> bool:
        if self._over:
            return False
        if self.far.takes_pages >= 0 and self._page > self.far.takes_pages and self.now > self._page_at + 1:
            return True
        began = self._page_at or (self._agreed_at + _TRAINING if self._agreed_at else LONGEST)
        return self._page == self.line.cut_in_page and self.now > began + _INTO_A_PAGE

    def _clear(self) -> None:
        for one in (self.caller, self.callee):
            if one is not None:
                one.hang_up()


#: Seconds from the agreement to the first page's first line, and how far into a page a call is cut.
_TRAINING, _INTO_A_PAGE = 4.0, 4.0


class _Noise:
    """White noise of a level between two instants, the same for the same seed."""

    def __init__(self, line: Line) -> None:
        assert line.noise is not None
        self._since, self._until, level = line.noise
        state = _library().awgn_init_dbm0(None, line.seed, level)
        self._samples = [_library().awgn(state) for _ in range(RATE)]
        _library().awgn_free(state)
        self._at = 0

    def over(self, now: float, *ways: ctypes.Array[ctypes.c_int16]) -> None:
        if not self._since <= now < self._until:
            return
        for way in ways:
            part = self._samples[self._at : self._at + _CHUNK]
            way[:] = [max(-32768, min(32767, one + other)) for one, other in zip(way, part, strict=True)]
            self._at = (self._at + _CHUNK) % (RATE - RATE % _CHUNK)
