@echo off
rem Runs bge from the sources on Windows: builds when there is no build yet or a source is newer than it.
setlocal
set "root=%~dp0"
set "dll=%root%artifacts\bin\BgeSharp.Cli\release\bge.dll"
set "stamp=%root%artifacts\bge.stamp"
set "DOTNET_CLI_TELEMETRY_OPTOUT=1"
set "DOTNET_NOLOGO=1"

where dotnet >nul 2>nul
if errorlevel 1 (
  echo bge needs the .NET 10 SDK, and there is no dotnet on the PATH; https://dotnet.microsoft.com/download has it. 1>&2
  exit /b 1
)

powershell -NoProfile -Command "$s = Get-Item -ErrorAction SilentlyContinue $env:stamp; if (-not $s -or -not (Test-Path $env:dll)) { exit 1 }; $n = Get-ChildItem -Recurse (Join-Path $env:root 'src'), (Join-Path $env:root 'build'), (Join-Path $env:root 'Directory.*') -ErrorAction SilentlyContinue | Where-Object { $_.LastWriteTime -gt $s.LastWriteTime } | Select-Object -First 1; if ($n) { exit 1 }"
if not errorlevel 1 goto run

echo building... 1>&2
if not exist "%root%artifacts" mkdir "%root%artifacts"
type nul > "%stamp%.new"
dotnet build "%root%src\BgeSharp.Cli" -c Release -v q -nodeReuse:false -p:UseSharedCompilation=false > "%root%artifacts\bge.log" 2>&1
if errorlevel 1 (
  type "%root%artifacts\bge.log" 1>&2
  echo bge could not be built; the lines above say why. 1>&2
  exit /b 1
)
move /y "%stamp%.new" "%stamp%" >nul

:run
rem As in the bge of Linux and macOS: fewer collections of young objects, for 128 MB.
if not defined DOTNET_GCgen0size set "DOTNET_GCgen0size=8000000"
dotnet "%dll%" %*
exit /b %errorlevel%
