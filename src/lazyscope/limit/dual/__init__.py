"""What is the Gaussian average of a nonlinearity: in closed form, by series, by quadrature?"""

from lazyscope.limit.dual._piecewise_smooth import PiecewiseSmooth as PiecewiseSmooth
