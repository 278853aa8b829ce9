// The list of commands, and the one place where exceptions become sentences and exit codes.

using System.CommandLine;
using System.CommandLine.Invocation;
using BgeSharp.Cli.Commands;
using BgeSharp.Cli.Terminals;
using BgeSharp.Training.Stages;

namespace BgeSharp.Cli;

/// <summary>Runs bge.</summary>
internal static class CommandLine
{
    /// <summary>All commands.</summary>
    public static RootCommand Create(Terminal terminal) => new("Make, measure and use BGE-M3-class text embeddings.")
    {
        QuickstartCommand.Create(terminal),
        RunCommand.Create(terminal),
        LearningRateCommand.Create(terminal),
        MasksCommand.Create(terminal),
        new Command("tokenizer", "Make vocabularies.") { TokenizerTrainCommand.Create(terminal) },
        TokenizeCommand.Create(terminal),
        new Command("mine", "Make training data.") { MinePairsCommand.Create(terminal), MineFilterCommand.Create(terminal), MineSampleCommand.Create(terminal), MineNegativesCommand.Create(terminal) },
        AdviseCommand.Create(terminal),
        ScoreCommand.Create(terminal),
        MergeCommand.Create(terminal),
        EmbedCommand.Create(terminal),
        EvalCommand.Create(terminal),
        CompareCommand.Create(terminal),
        SearchCommand.Create(terminal),
        ImportCommand.Create(terminal),
        ExportCommand.Create(terminal),
        ServeCommand.Create(terminal),
        DoctorCommand.Create(terminal),
    };

    /// <summary>Parses and runs one command line.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellation)
    {
        // A query may begin with "@": no response files.
        ParseResult line = Create(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (line.Action is ParseErrorAction complaint)
        {
            complaint.ShowHelp = false;
            line.Invoke(new InvocationConfiguration { Output = terminal.Error, Error = terminal.Error });
            terminal.Error.WriteLine($"\"{PathOf(line)} --help\" shows what it takes.");
            return ExitCode.BadUsage;
        }
        var configuration = new InvocationConfiguration
        {
            Output = terminal.Output,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            int code = await line.InvokeAsync(configuration, cancellation).ConfigureAwait(false);
            terminal.Leave();
            return code;
        }
        catch (BadInput e)
        {
            return terminal.Fail(e.Message, ExitCode.BadUsage);
        }
        catch (Exception e) when (e is TrainingDiverged or TrainingOutOfMemory)
        {
            return terminal.Fail(e.Message, ExitCode.Failed);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return terminal.Fail("stopped.", ExitCode.Failed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(IsDiskFull(e) ? $"the disk is full ({e.Message}); free some space and run again." : $"{e.Message.TrimEnd('.')}.", ExitCode.Failed);
        }
#pragma warning disable CA1031 // the outermost frame: whatever arrives here is a fault of ours and is shown whole
        catch (Exception e)
#pragma warning restore CA1031
        {
            return terminal.Fail($"This is a fault of bge, not of yours; please report it with the lines below.{Environment.NewLine}{e}", ExitCode.Failed);
        }
    }

    // ENOSPC and EDQUOT on Unix; ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL on Windows.
    private static bool IsDiskFull(Exception e) => OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is 39 or 112
        : e.HResult is 28 or 122 or 69 || e.Message.StartsWith("No space left", StringComparison.Ordinal);

    private static string PathOf(ParseResult line)
    {
        var names = new List<string>();
        for (System.CommandLine.Parsing.SymbolResult? at = line.CommandResult; at is System.CommandLine.Parsing.CommandResult command; at = at.Parent)
        {
            names.Add(command.Command is RootCommand ? "bge" : command.Command.Name);
        }
        names.Reverse();
        return string.Join(' ', names);
    }
}
