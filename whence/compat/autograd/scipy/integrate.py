"""autograd.scipy.integrate."""

from ....scipy.integrate import odeint as odeint
