"""Actions and functions of the Web API: what is offered, how parameters are read, who answers."""
