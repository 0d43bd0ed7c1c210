"""What the report says about each analysis: what was measured, how to read it, and what its figure shows.

Braces stand for figures of the run, filled in by the section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Words:
    """intro: above the table; caption: under the figure. Line breaks are those of the source and mean nothing."""

    intro: str
    caption: str = ""

    def introduction(self, **figures: object) -> str:
        return " ".join(self.intro.split()).format(**figures)

    def legend(self) -> str:
        return " ".join(self.caption.split())


WORDS: Final[dict[str, Words]] = {
    "lemma1": Words(
        """Lemma 1 carries over to a scheme with SSP coefficient C what the Euler step x + h F(x) of the same F
        does: if that step shrinks differences in some norm up to a step size h, the scheme does so while dt is
        at most C h. Whether there is such an h is a property of the trained F, measured here; C itself says
        nothing about it. A difference that grows refutes the premise; differences that shrink do not prove it.""",
        """Largest stretching by the Euler step x + dt F(x), over all stages, for each kind of difference, and by
        the step of the block itself (dashed). Above 1 differences grow.""",
    ),
    "growth": Words(
        """How much the difference between an image and its perturbed copy is stretched: the ratio for each pair
        first, then the mean over the pairs (deviation in brackets). Above 1 perturbations grow. Adversarial
        copies are the final iterates of PGD, random ones are uniform in the same ball; {n} images.""",
        """Along the depth: a block's output against its input (line), the argument of each later stage against the
        input of the block, and F at each stage against its argument. Stages stand to the right of their block,
        in order.""",
    ),
    "growth-groups": Words("", "Growth ratio of each group, a panel for each kind of perturbation and norm."),
    "variance": Words(
        """The variance of each feature over the images, averaged over the features. Lemma 3 gives its growth in a
        step if Var F(u) = Var u at every stage and the values of F are uncorrelated with x and with one
        another. The measured growth is exactly 1 + of F + x with F + stages together; the last three columns
        are the premises, stage by stage: 1, 0 and 0 in the lemma.""",
        """Left: the measured growth in its parts, beside Lemma 3. Middle and right: its premises, a point for each
        stage or pair of stages.""",
    ),
    "variation": Words(
        """The sum of the absolute differences of neighbours in the feature maps. A total variation diminishing
        step has a ratio of at most 1 on every image; the theory assumes it of the Euler step x + dt F(x) of the
        same F.""",
        """Left: mean absolute difference of neighbours after each block. Right: total variation of the output over
        that of the input.""",
    ),
    "lipschitz": Words(
        """The largest singular value of the Jacobian at {n} images, by power iteration. The estimates are lower
        bounds; the last column is the largest relative change in the last iteration. Between images the
        constant may be larger.""",
        "Local Lipschitz constants of the blocks, of F at each stage, and of the network from image to logits.",
    ),
    "coefficients": Words(
        """What each block has become, exactly: the coefficients in use are taken as the fractions that their
        floating point numbers are. The JSON has them in full."""
    ),
    "surface": Words(
        """Cross-entropy around images, in the plane of the gradient direction and a random one, both of length eps
        = {eps} ({norm}). A loss that is jagged, flat, or higher along the random direction hints at masked
        gradients.""",
        """Cross-entropy; the image is the cross in the middle, the axes are in units of eps, and at a white line
        the prediction changes from right to wrong.""",
    ),
    "certificate": Words(
        """The share of the {n} images that no attack within eps can change (a lower bound, by the network's
        Lipschitz constant), and the accuracy that PGD leaves (an upper bound). The truth lies between the curves;
        where the first is above the second, the certificate is false.""",
        """Certified accuracy and accuracy under PGD-40 in l2 against the radius; the gap between them is shaded. Below:
        how the certified radii of the images spread.""",
    ),
    "examples": Words(
        "The first images of the sample, chosen by nothing else.",
        """Left: clean images. Middle: the perturbation, scaled so that its largest pixel fills the range from black to
        white. Right: adversarial images. Above each stand its prediction and confidence.""",
    ),
}
