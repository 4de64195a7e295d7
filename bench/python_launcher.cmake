# Writes the program of a model in Python: a script that starts everything else.
#   cmake -D launcher= -D python= -D program= -D library= -D model= -D contract= -D interface= -P python_launcher.cmake
# Its hash is that of all it starts, so that a result that names it names them.
set(parts "")
foreach(part program library model contract interface)
  file(SHA256 ${${part}} hash)
  string(APPEND parts "# ${part} ${hash}\n")
endforeach()
foreach(path python program library model)
  string(REPLACE "'" "'\\''" ${path} "${${path}}")  # as sh quotes
endforeach()
# -I and -S: this model takes the standard library and nothing else, whatever is installed here, nor
# does its own name, which may be that of a library, get in the way.
file(WRITE ${launcher} "#!/bin/sh
${parts}exec '${python}' -ISB '${program}' '${library}' '${model}' \"$0\" \"$@\"
")
file(CHMOD ${launcher} PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
