// Where bge writes. Colour and the live line are for a person at a terminal; into a file or a pipe go plain lines, the same text.
// NO_COLOR (no-color.org) and TERM=dumb are respected.

using BgeSharp.Training.Collectives;
using Spectre.Console;

namespace BgeSharp.Cli.Terminals;

/// <summary>The streams of a command and what they can show.</summary>
internal sealed class Terminal
{
    private readonly bool errorIsWatched;
    private readonly int errorWidth;

    private Terminal(TextWriter output, TextWriter error, bool interactive, bool colour, int width, bool errorIsWatched, int errorWidth)
    {
        Output = output;
        Error = error;
        Interactive = interactive;
        (this.errorIsWatched, this.errorWidth) = (errorIsWatched, errorWidth);
        Console = ConsoleOn(output, interactive, colour, width);
    }

    private static IAnsiConsole ConsoleOn(TextWriter output, bool interactive, bool colour, int width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new Screen(output, interactive, width),
            Ansi = interactive ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = interactive && colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = interactive ? InteractionSupport.Yes : InteractionSupport.No,
        });
        console.Profile.Width = width;
        return console;
    }

    /// <summary>Results.</summary>
    public TextWriter Output { get; private set; }

    /// <summary>Errors.</summary>
    public TextWriter Error { get; }

    /// <summary>True when a person watches: a line may be drawn over.</summary>
    public bool Interactive { get; private set; }

    /// <summary>Tables and markup on <see cref="Output"/>; plain text unless <see cref="Interactive"/>.</summary>
    public IAnsiConsole Console { get; private set; }

    /// <summary>The ranks that this command works with; this process alone before <see cref="Join"/>.</summary>
    public IProcessGroup Group { get; private set; } = LocalProcessGroup.Instance;

    /// <summary>Joins the ranks that were started together, if there are any. All but rank 0 are silent from here on.</summary>
    /// <exception cref="BadInput">The launcher and MPI do not fit each other.</exception>
    public IProcessGroup Join()
    {
        Group = Launch.Join();
        if (!Group.Leads())
        {
            (Output, Interactive) = (TextWriter.Null, false);
            Console = ConsoleOn(Output, interactive: false, colour: false, PlainWidth);
        }
        return Group;
    }

    /// <summary>Leaves the ranks in order when the command is done.</summary>
    public void Leave()
    {
        Group.Dispose();
        Group = LocalProcessGroup.Instance;
    }

    /// <summary>Tells why a command ends, and ends the other ranks with it.</summary>
    /// <param name="sentence">For standard error.</param>
    /// <param name="code">One of <see cref="ExitCode"/>.</param>
    /// <returns>The code.</returns>
    public int Fail(string sentence, int code)
    {
        if (Group.Size == 1)
        {
            Error.WriteLine(sentence);
            return code;
        }
        if (!Group.Leads())
        {
            Thread.Sleep(TimeSpan.FromSeconds(2));      // what all ranks run into is said once, by rank 0, which ends this one
        }
        Group.Abort(sentence, code);
        return code;
    }

    /// <summary>The terminal of this process.</summary>
    public static Terminal ForProcess()
    {
        bool draws = Environment.GetEnvironmentVariable("TERM") != "dumb", interactive = draws && !System.Console.IsOutputRedirected, watched = draws && !System.Console.IsErrorRedirected;
        bool colour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(System.Console.Out, System.Console.Error, interactive, colour, interactive ? WindowWidth() : PlainWidth, watched, watched ? WindowWidth() : PlainWidth);
    }

    /// <summary>A terminal made of two writers, as a pipe would be (or, for tests, as a screen would be).</summary>
    public static Terminal For(TextWriter output, TextWriter error, bool interactive = false, bool colour = false) =>
        new(output, error, interactive, colour, interactive ? 100 : PlainWidth, interactive, interactive ? 100 : PlainWidth);

    /// <summary>What shows the progress of a run: one live line for a person, plain lines otherwise. Dispose it when the run is over.</summary>
    public RunProgress Progress() => Interactive ? new LiveProgress(Console) : new PlainProgress(Output);

    /// <summary>What tells on <see cref="Error"/> how far long work without stages is, and ends it when asked to. Dispose it when the work is over.</summary>
    /// <param name="cancellation">Asks for an end.</param>
    /// <param name="time">Clock; the system's when null.</param>
    public WorkProgress Watch(CancellationToken cancellation, TimeProvider? time = null)
        => new(Group.Leads() ? Error : TextWriter.Null, errorIsWatched, errorWidth, time ?? TimeProvider.System, cancellation);

    // Tables in files are not folded.
    private const int PlainWidth = 240;

    private static int WindowWidth()
    {
        try
        {
            // mpirun's terminals say that they are 0 wide.
            return System.Console.WindowWidth is var width and > 0 ? Math.Max(40, width) : 100;
        }
        catch (IOException)
        {
            return 80;
        }
    }

    private sealed class Screen(TextWriter writer, bool interactive, int width) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => interactive;

        public int Width => width;

        public int Height => 40;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}
