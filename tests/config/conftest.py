from toy_conf import toy

__all__ = ["toy"]
