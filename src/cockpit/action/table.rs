//! The table of actions: one line each.

use crossterm::event::KeyCode;

use super::{Action, ActionInfo, Chord, Scope};
use crate::cockpit::views::View;

macro_rules! actions {
    ($($scope:ident $(: $of:ident)? $action:ident $(($view:ident))? $id:literal [$($key:expr),+] $label:literal $help:literal $hint:expr;)*) => {
        /// Every action.
        pub const ACTIONS: &[ActionInfo] = &[$(ActionInfo {
            action: Action::$action $((View::$view))?, id: $id, scope: Scope::$scope $((View::$of))?, keys: &[$($key),+], label: $label, help: $help, hint: $hint,
        }),*];
    };
}

use KeyCode as K;

actions! {
    Main PauseResume "pause" [Chord::char(' ')] "pause" "Pause at the end of the step, or go on." Some(1);
    Main Checkpoint "checkpoint" [Chord::char('c')] "checkpoint" "Write a checkpoint at the end of the step." Some(4);
    Main Evaluate "evaluate" [Chord::char('e')] "evaluate" "Evaluate on the held-out questions at the end of the step." Some(5);
    Main TakeControl "take-control" [Chord::char('o')] "take control" "Take control of the training from another viewer." Some(0);
    Main Export "export" [Chord::char('x')] "export" "Write the training curves into the run folder: PNG and SVG for print, and a PNG in the theme on show." Some(6);
    Main PreviousGroup "previous-sample" [Chord::char('[')] "older sample" "Show the question before this one." Some(8);
    Main NextGroup "next-sample" [Chord::char(']')] "newer sample" "Show the next question; past the newest one, follow new ones." Some(9);
    Main FocusNext "focus-next" [Chord::key(K::Tab)] "pane" "Go to the next pane." Some(7);
    Main FocusPrevious "focus-previous" [Chord::key(K::BackTab)] "pane back" "Go to the pane before." None;
    Main Zoom "zoom" [Chord::char('z')] "zoom" "Give the pane in focus the whole screen, or take it back." Some(10);
    Main Smooth "smooth" [Chord::char('s')] "smooth" "Smooth the curves more, then not at all; what was measured stays visible." None;
    Main LessSmooth "less-smooth" [Chord::char('S')] "smooth less" "Smooth the curves less, then most." None;
    Main Down "down" [Chord::char('j'), Chord::key(K::Down)] "down" "Next candidate, next chart, or scroll down." None;
    Main Up "up" [Chord::char('k'), Chord::key(K::Up)] "up" "Previous candidate, previous chart, or scroll up." None;
    Main Left "left" [Chord::char('h'), Chord::key(K::Left)] "left" "The chart to the left; with the cursor on, the step before." None;
    Main Right "right" [Chord::char('l'), Chord::key(K::Right)] "right" "The chart to the right; with the cursor on, the next step." None;
    Main PageDown "page-down" [Chord::key(K::PageDown), Chord::ctrl('d')] "page down" "Scroll a result, the log or this text down; more charts; the cursor a tenth of the window on." None;
    Main PageUp "page-up" [Chord::key(K::PageUp), Chord::ctrl('u')] "page up" "Scroll a result, the log or this text up; the charts before; the cursor a tenth of the window back." None;
    Main First "first" [Chord::char('g'), Chord::key(K::Home)] "first" "Go to the first candidate, chart or line." None;
    Main Last "last" [Chord::char('G'), Chord::key(K::End)] "last" "Go to the last candidate, chart or line." None;
    Main Theme "theme" [Chord::char('t')] "theme" "Choose a theme; each shows at once." Some(11);
    Main Copy "copy" [Chord::char('y')] "copy" "Copy the query on show into the clipboard of your terminal, through SSH too (OSC 52)." None;
    Main Screenshot "screenshot" [Chord::ctrl('s')] "screenshot" "Write the screen into the run folder, as PNG, SVG and text." None;
    Main Mouse "mouse" [Chord::char('M')] "mouse" "Take the mouse (wheel scrolls, a click goes there), or give it back to the terminal." None;
    Main Bandwidth "bandwidth" [Chord::char('B')] "spare the line" "Draw two frames a second at most, for slow lines, or as many as before." None;
    Main Settings "settings" [Chord::char(',')] "settings" "Show all settings with what they mean; those that can change while it trains can be changed." None;
    Main Show(Train) "view-train" [Chord::char('1')] "train" "The training: charts, the newest questions, the log." None;
    Main Show(Rollouts) "view-rollouts" [Chord::char('2')] "rollouts" "Questions with all their candidates." None;
    Main Show(Doctor) "view-doctor" [Chord::char('3')] "doctor" "What is wrong with the run, and what to do." None;
    Main Show(Controls) "view-controls" [Chord::char('4')] "controls" "Settings that can be changed while it trains, checkpoints, roll back." None;
    Main Show(Ask) "view-ask" [Chord::char('5')] "ask" "Ask the model a question of your own." None;
    Main Show(Model) "view-model" [Chord::char('6')] "model" "Parameters, memory by part, gradients by layer." None;
    Main Show(Runs) "view-runs" [Chord::char('7')] "runs" "All runs: list, compare." None;
    Main Show(Logs) "view-logs" [Chord::char('8')] "logs" "The whole log." None;
    Main Back "back" [Chord::key(K::Esc)] "back" "Close what is open; leave the zoom." None;
    Main Redraw "redraw" [Chord::ctrl('l')] "redraw" "Draw the whole screen anew." None;
    Main Suspend "suspend" [Chord::ctrl('z')] "suspend" "Suspend the cockpit until the shell's `fg`; training goes on." None;
    Main Hints "hints" [Chord::char(';')] "keys" "Show which keys do what here, by groups; the next one does it. Again: the rest of them." Some(3);
    Main Palette "palette" [Chord::ctrl('p'), Chord::char(':')] "actions" "Find an action by a few letters of its name, and do it." Some(3);
    Main Help "help" [Chord::char('?')] "help" "Show keys and what every metric means." Some(3);
    Main Quit "quit" [Chord::char('q'), Chord::ctrl('c')] "quit" "Leave; asks first while a trainer is at work." Some(2);
    View:Doctor Apply "doctor-apply" [Chord::key(K::Enter)] "apply" "Go to the alarm's remedies; there, look at the marked setting and apply it." Some(1);
    View:Controls Apply "controls-apply" [Chord::key(K::Enter)] "change" "Type another value of the marked setting, or go back to the marked checkpoint." Some(1);
    View:Controls StepOnce "step-once" [Chord::char('i')] "one step" "Train one step, then pause." Some(2);
    View:Controls Note "checkpoint-note" [Chord::char('m')] "checkpoint with a note" "Write a checkpoint, with a note that you type." Some(3);
    View:Controls RollBack "roll-back" [Chord::char('r')] "roll back" "Go back to the marked checkpoint; asks first." Some(4);
    View:Controls AllSettings "all-settings" [Chord::char('a')] "all or live" "Show all settings, or those that can change while it trains." Some(5);
    View:Controls Filter "controls-filter" [Chord::char('/')] "filter" "Show the settings that have some letters." Some(6);
    View:Ask Apply "ask" [Chord::key(K::Enter)] "ask" "Type a question on the marked database." Some(1);
    View:Ask Filter "ask-filter" [Chord::char('/')] "filter" "Show the databases that have some letters." Some(2);
    View:Rollouts Open "rollouts-open" [Chord::key(K::Enter)] "candidates" "Go to the candidates of the marked question." None;
    View:Rollouts Filter "rollouts-filter" [Chord::char('/')] "filter" "Show only questions of which a candidate is as you say, in the whole run: reward<0.5 outcome:syntax db:world step>300 flip:lost." Some(1);
    View:Rollouts NextMatch "rollouts-next-match" [Chord::char('n')] "next match" "Go to the next candidate that the filter finds." None;
    View:Rollouts PreviousMatch "rollouts-previous-match" [Chord::char('N')] "previous match" "Go to the previous candidate that the filter finds." None;
    View:Rollouts Sort "rollouts-sort" [Chord::char('a')] "sort" "Sort the questions by time, accuracy, reward, spread or database." Some(4);
    View:Rollouts Reverse "rollouts-reverse" [Chord::char('r')] "reverse" "Turn the order of the questions round." None;
    View:Rollouts Schema "rollouts-schema" [Chord::char('d')] "tables" "Show the tables of the question's database, or the candidates again." Some(2);
    View:Rollouts Tokens "rollouts-tokens" [Chord::char('p')] "probabilities" "Show replies token by token, shaded by how probable each was, or SQL again." Some(3);
    View:Rollouts Versus "rollouts-versus" [Chord::char('v')] "what changed" "Show how the best candidate's SQL differs from the last time that the question was asked." Some(5);
    View:Rollouts TimeBefore "rollouts-time-before" [Chord::char('b')] "asked before" "Go to the last time that the same question was asked." None;
    View:Rollouts TimeAfter "rollouts-time-after" [Chord::char('f')] "asked after" "Go to the next time that the same question was asked." None;
    View:Rollouts Reweigh "rollouts-reweigh" [Chord::char('w')] "re-score" "Type other weights for the reward, and see what they would have made of the questions; the trainer hears nothing of it." Some(6);
    View:Rollouts ToCharts "rollouts-to-charts" [Chord::char('m')] "charts" "Go back to the charts; the question stays chosen." None;
    View:Model Quantity "model-quantity" [Chord::char('v')] "quantity" "Show gradients, gradients by the size of their weights, or the adapter's norms." Some(1);
    View:Model FlowBefore "model-before" [Chord::char('b')] "earlier" "Show the gradients of an earlier step." Some(2);
    View:Model FlowAfter "model-after" [Chord::char('f')] "later" "Show the gradients of a later step." Some(3);
    View:Runs Mark "runs-mark" [Chord::char('m')] "mark" "Mark a run, to compare it with another; of three marked ones the first goes." Some(1);
    View:Runs Compare "runs-compare" [Chord::key(K::Enter)] "compare" "Compare the two marked runs, or the marked one with the one under the cursor: figures, and settings that differ." Some(2);
    View:Runs Sort "runs-sort" [Chord::char('a')] "sort" "Sort the runs by start, best accuracy, steps, size or name." Some(3);
    View:Runs Underlay "runs-ghost" [Chord::char('i')] "ghost" "Draw the run under the cursor faintly under the charts of this one, or take it away." Some(5);
    View:Runs ReadAgain "runs-read" [Chord::char('r')] "read again" "Read the folder of runs again." Some(4);
    Replay PlayPause "play" [Chord::char(' ')] "play/pause" "Play or hold the tape; at its end, play it anew." Some(1);
    Replay StepBack "step-back" [Chord::char(',')] "step back" "Go to the end of the step before." Some(2);
    Replay StepOn "step-on" [Chord::char('.')] "step on" "Go to the end of the next step." Some(3);
    Replay LeapBack "leap-back" [Chord::char('<')] "10 back" "Go ten steps back." None;
    Replay LeapOn "leap-on" [Chord::char('>')] "10 on" "Go ten steps on." None;
    Replay Slower "slower" [Chord::char('-')] "slower" "Play at half the speed." Some(5);
    Replay Faster "faster" [Chord::char('+'), Chord::char('=')] "faster" "Play at twice the speed." Some(4);
    Replay ToStart "to-start" [Chord::char('{')] "start" "Go to the start of the run." Some(7);
    Replay ToEnd "to-end" [Chord::char('}')] "end" "Go to the end of the run, or to what there is of it." Some(8);
    Replay ToStep "to-step" [Chord::char(':')] "to step" "Go to a step: type its number, then enter." Some(6);
    View:Train Cursor "cursor" [Chord::char('v'), Chord::key(K::Enter)] "cursor" "A cursor over all charts, which shows the samples of its step; from a sample, at that sample's step. Again, or esc: away with it." None;
    View:Train NextMarker "next-marker" [Chord::char('n')] "next marker" "Put the cursor on the next checkpoint, evaluation, alarm or change." None;
    View:Train PreviousMarker "previous-marker" [Chord::char('N')] "marker before" "Put the cursor on the checkpoint, evaluation, alarm or change before." None;
    View:Train Closer "zoom-in" [Chord::char('w')] "closer" "Show half as many steps on all charts, around the cursor or the newest." None;
    View:Train Wider "zoom-out" [Chord::char('W')] "wider" "Show twice as many steps on all charts." None;
    View:Train PanBack "pan-back" [Chord::char('a')] "earlier" "Show earlier steps on all charts, where not all are shown." None;
    View:Train PanOn "pan-on" [Chord::char('d')] "later" "Show later steps on all charts; at the end, follow new ones." None;
    View:Train WholeRun "whole-run" [Chord::char('0')] "whole run" "Show all steps on all charts again." None;
    View:Train NextAxis "x-axis" [Chord::char('X')] "x-axis" "Lay all charts out by steps, tokens, samples or time." None;
    View:Train LogScale "log-scale" [Chord::char('L')] "log" "Give the selected chart a logarithmic scale of values, or take it back." None;
    View:Train LogX "log-x" [Chord::char('p')] "log x" "Lay the x-axis of all charts out by powers of ten, from the first step on, or evenly." None;
    View:Train Envelope "envelope" [Chord::char('m')] "min-max" "Show what was measured as a band from smallest to largest values, or as it is." None;
    Entry Enter "entry-enter" [Chord::key(K::Enter)] "enter" "Take what is typed." None;
    Entry Stay "entry-leave" [Chord::key(K::Esc), Chord::ctrl('c')] "leave" "Leave what is typed." None;
    Palette Enter "palette-enter" [Chord::key(K::Enter)] "do" "Do the marked action." None;
    Palette Stay "palette-leave" [Chord::key(K::Esc), Chord::ctrl('c')] "leave" "Leave the list of actions." None;
    Palette Down "palette-down" [Chord::key(K::Down), Chord::ctrl('n'), Chord::key(K::Tab)] "down" "The action below." None;
    Palette Up "palette-up" [Chord::key(K::Up), Chord::ctrl('p'), Chord::key(K::BackTab)] "up" "The action above." None;
    Themes Enter "theme-keep" [Chord::key(K::Enter)] "keep" "Keep the theme on show." None;
    Themes Stay "theme-back" [Chord::key(K::Esc), Chord::ctrl('c'), Chord::char('q')] "back" "Take the theme before back." None;
    Themes Down "theme-down" [Chord::char('j'), Chord::key(K::Down), Chord::key(K::Tab), Chord::char('t')] "down" "The theme below." None;
    Themes Up "theme-up" [Chord::char('k'), Chord::key(K::Up), Chord::key(K::BackTab)] "up" "The theme above." None;
    Quit Detach "detach" [Chord::char('d'), Chord::ctrl('c')] "detach" "Leave; training goes on." None;
    Quit StopWithCheckpoint "stop-checkpoint" [Chord::char('c')] "checkpoint and stop" "Finish the step, write a checkpoint, leave." None;
    Quit StopWithout "stop" [Chord::char('s')] "stop without" "Drop the step in progress and leave." None;
    Quit Stay "stay" [Chord::key(K::Esc), Chord::char('n')] "stay" "Go on training." None;
    Quit Down "quit-down" [Chord::char('j'), Chord::key(K::Down), Chord::key(K::Tab)] "down" "The answer below." None;
    Quit Up "quit-up" [Chord::char('k'), Chord::key(K::Up), Chord::key(K::BackTab)] "up" "The answer above." None;
    Quit Choose "quit-choose" [Chord::key(K::Enter)] "choose" "Take the marked answer." None;
}
