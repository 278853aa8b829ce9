// How far long work without stages is (texts encoded, pairs judged), and its end when somebody asks for one: both at the places where such work calls anyway.
// On standard error, for standard output belongs to results: a person sees one line that is drawn over, a file gets a line now and then.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Terminals;

/// <summary>Watches the work of a command. Dispose it when the work is over.</summary>
/// <param name="error">Where to write.</param>
/// <param name="drawsOver">True draws one line over and over.</param>
/// <param name="width">Longest line that can be drawn over.</param>
/// <param name="time">Clock between two lines.</param>
/// <param name="cancellation">Asks for an end.</param>
internal sealed class WorkProgress(TextWriter error, bool drawsOver, int width, TimeProvider time, CancellationToken cancellation) : IDisposable
{
    private static readonly TimeSpan Drawing = TimeSpan.FromSeconds(0.5), Writing = TimeSpan.FromSeconds(30);
    private long told = time.GetTimestamp();
    private bool drawn;

    /// <summary>Stands before each line: whose work it is.</summary>
    public string About { get; set; } = "";

    /// <summary>Says how far the work is, unless that was said a moment ago; or ends it.</summary>
    /// <param name="done">So many.</param>
    /// <param name="all">Of so many; 0 where that is not known.</param>
    /// <param name="what">"texts encoded".</param>
    /// <exception cref="OperationCanceledException">An end was asked for.</exception>
    public void Reach(long done, long all, string what)
    {
        cancellation.ThrowIfCancellationRequested();
        if (time.GetElapsedTime(told) < (drawsOver ? Drawing : Writing))
        {
            return;
        }
        told = time.GetTimestamp();
        string of = all > 0 ? string.Create(CultureInfo.InvariantCulture, $" of {all}") : "";
        string line = string.Create(CultureInfo.InvariantCulture, $"{About}{done}{of} {what}");
        if (!drawsOver)
        {
            error.WriteLine(line);
            error.Flush();
            return;
        }
        Clear();
        error.Write(Fitting(line));
        error.Flush();
        drawn = true;
    }

    // A line that wraps cannot be drawn over. What is not ASCII is taken for two cells wide, as Chinese is.
    private string Fitting(string line)
    {
        int cells = 0, end = 0;
        while (end < line.Length && (cells += char.IsAscii(line[end]) ? 1 : 2) < width)
        {
            end++;
        }
        return line[..end];
    }

    /// <summary>A cross-encoder whose judging is watched; null for none.</summary>
    [return: NotNullIfNotNull(nameof(judge))]
    public IReranker? Watch(TorchReranker? judge) => judge is null ? null : new WatchedReranker(judge, done => Reach(done, 0, "pairs judged"));

    /// <summary>A line that stays.</summary>
    public void Say(string line)
    {
        Clear();
        error.WriteLine(line);
    }

    /// <summary>Takes away the line that is drawn over, before anything else is written.</summary>
    public void Clear()
    {
        if (drawn)
        {
            error.Write("\r\u001b[2K");
            error.Flush();
            drawn = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();
}
