"""What do infinitely wide networks predict, as estimators of scikit-learn?"""

from lazyscope.estimators._classifier import TangentKernelClassifier as TangentKernelClassifier
from lazyscope.estimators._regressor import TangentKernelRegressor as TangentKernelRegressor
