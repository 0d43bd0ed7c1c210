"""torch's own transformer layer with a step for its attention and one for its feed-forward layers.

Its forward branches on gradients, nesting and device, which no trace can follow; so it is written out here, as Figure 1
of Xiong et al. 2020 (arXiv:2002.04745) has it, with the norms first or after the sums.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from rkblocks.blocks.anatomy import Residual

Make = Callable[[Residual], nn.Module]


class SelfAttention(nn.Module):
    """F(x) = attention(norm(x)), [n, s, e] or as the layer has it; the masks are those of the layer."""

    def __init__(self, layer: nn.TransformerEncoderLayer) -> None:
        super().__init__()
        self.norm1 = layer.norm1 if layer.norm_first else nn.Identity()
        self.self_attn, self.dropout1 = layer.self_attn, layer.dropout1

    def forward(self, x: Tensor, **masks: Any) -> Tensor:
        x = self.norm1(x)
        return self.dropout1(self.self_attn(x, x, x, need_weights=False, **masks)[0])  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """F(x) = linear(activation(linear(norm(x))))."""

    def __init__(self, layer: nn.TransformerEncoderLayer) -> None:
        super().__init__()
        self.norm2 = layer.norm2 if layer.norm_first else nn.Identity()
        self.linear1, self.activation, self.dropout = layer.linear1, layer.activation, layer.dropout
        self.linear2, self.dropout2 = layer.linear2, layer.dropout2

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.activation(self.linear1(self.norm2(x))))
        return self.dropout2(self.linear2(x))  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """A `TransformerEncoderLayer` of two steps, called as it is; results are those of its path for training."""

    def __init__(self, layer: nn.TransformerEncoderLayer, make: Make) -> None:
        super().__init__()
        self.attention = make(Residual(_in_mode(SelfAttention(layer), layer)))
        self.after1 = nn.Identity() if layer.norm_first else layer.norm1
        self.feed_forward = make(Residual(_in_mode(FeedForward(layer), layer)))
        self.after2 = nn.Identity() if layer.norm_first else layer.norm2
        self.norm_first = layer.norm_first

    @property
    def self_attn(self) -> nn.Module:
        """The attention, which `nn.TransformerEncoder` asks for its settings."""
        found: Any = self.attention
        return found.residual.self_attn  # type: ignore[no-any-return]

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask, "is_causal": is_causal}
        x = self.after1(self.attention(src, **masks))
        return self.after2(self.feed_forward(x))  # type: ignore[no-any-return]


def _in_mode(module: nn.Module, layer: nn.Module) -> nn.Module:
    module.training = layer.training
    return module
