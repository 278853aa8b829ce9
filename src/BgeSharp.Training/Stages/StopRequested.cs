// How a stop leaves work that lies deep in a stage, between two steps: thrown on all ranks alike, where they have agreed on it, so that none is left alone in a collective.

namespace BgeSharp.Training.Stages;

/// <summary>Somebody asked for an orderly stop while a stage prepared what its next step trains on. The step is not begun; the run that goes on prepares it anew.</summary>
public sealed class StopRequested() : OperationCanceledException("stopped, as asked");
