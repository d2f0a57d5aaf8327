"""Pictures of derivatives, drawn with Matplotlib (extra ``plot``).

Each function draws into ``ax``, or into new axes, and returns the `matplotlib.axes.Axes`. Nothing
global is changed and nothing is shown: that is the caller's. What belongs together has a marker, a
line style and a shade of its own, so that the pictures can be read in grey.

How data flows: `step_curve` asks the operators for errors over steps, `estimate` and `report` draw
what they are given, `model` asks f on a grid by `values`. `style` brings Matplotlib in, when the
first picture is drawn, and holds the marks.

Examples
--------
>>> import math
>>> ax = step_curve(math.exp, 1.0, methods=("forward", "central"))
>>> ax.get_xlabel(), ax.get_xscale()
('step h', 'log')
"""

from numdiff.plot.estimates import estimate
from numdiff.plot.models import model
from numdiff.plot.reports import report
from numdiff.plot.steps import step_curve

__all__ = ["estimate", "model", "report", "step_curve"]
