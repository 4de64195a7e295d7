// Where is Boost.JSON compiled?  Here, once: its headers ask for one such file in place of a library.
#include <boost/json/src.hpp>
